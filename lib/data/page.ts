import { type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import * as z from "zod";
import { InvalidInput } from "../errors.ts";

export const MAX_PAGE = 100;

/** Part of a list, newest first; `nextCursor` is null at its end. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** What a list is ordered by: the last row of a page says where the next one begins, whatever is written meanwhile. */
export interface Position {
  readonly createdAt: Date;
  readonly id: string;
}

/** Only what PostgreSQL takes: neither NUL in an id nor the year 0. */
const position = z.tuple([
  z.iso.datetime().refine((at) => Date.parse(at) >= 0),
  z.string().regex(/^[A-Za-z0-9_-]{1,200}$/),
]);

/** Cuts a page out of `limit + 1` rows: the one too many only tells that there is more. */
export function toPage<T extends Position>(rows: readonly T[], limit: number): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? encodeCursor(last) : null };
}

/**
 * The condition that a list goes on behind `cursor`; none at its beginning. One row comparison, which an index on
 * both columns answers. Throws InvalidInput when we did not make the cursor.
 */
export function behind(
  columns: { createdAt: AnyPgColumn; id: AnyPgColumn },
  cursor: string | undefined,
): SQL | undefined {
  if (cursor === undefined) return undefined;
  const { createdAt, id } = decodeCursor(cursor);
  return sql`(${columns.createdAt}, ${columns.id}) < (${createdAt.toISOString()}::timestamptz, ${id})`;
}

/** How many rows to give: 1 to {@link MAX_PAGE}. Throws InvalidInput otherwise. */
export function pageLimit(limit = MAX_PAGE): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_PAGE) return limit;
  throw new InvalidInput("limit", `limit must be a whole number from 1 to ${MAX_PAGE}`, { limit });
}

function encodeCursor({ createdAt, id }: Position): string {
  return Buffer.from(JSON.stringify([createdAt.toISOString(), id])).toString("base64url");
}

function decodeCursor(cursor: string): Position {
  try {
    const text = Buffer.from(cursor, "base64url").toString("utf8");
    const [createdAt, id] = position.parse(JSON.parse(text));
    return { createdAt: new Date(createdAt), id };
  } catch (cause) {
    throw new InvalidInput("cursor", "cursor must be a nextCursor of an earlier page", {}, cause);
  }
}
