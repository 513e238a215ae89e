import { createRoute, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import type { RequestIdVariables } from "hono/request-id";
import { authenticate } from "#lib/auth/authenticate.ts";
import type { Page } from "#lib/data/page.ts";
import { within } from "#lib/deadline.ts";
import { errorMessage, Unavailable } from "#lib/errors.ts";
import { id } from "#lib/events/catalogue/fields.ts";
import { emit, type OutgoingEvent } from "#lib/events/emit.ts";
import { BodyTooLarge, problems } from "./problem.ts";

/** The SDK tries for longer than a client should wait. */
const EMIT_MS = 10_000;

/** How the SDK tells of it, by status or in words; what the limit is depends on the plan at Inngest. To be sent again would not help. */
const TOO_LARGE = /^Inngest API Error: (?:413\b|400 .{0,200}(?:too large|max size|the limit is))/i;

const MAX_JSON_BYTES = 1024 * 1024;

/** What every request has. */
export interface AppEnv {
  Variables: RequestIdVariables;
}

/**
 * Lets only requests with a valid token pass. Only behind it does `c.var.userId` exist, so a route that needs the caller
 * does not compile without it.
 */
export const signedIn = createMiddleware<{ Variables: { userId: string } }>(async (c, next) => {
  const { userId } = await authenticate(c.req.raw);
  c.set("userId", userId);
  await next();
});

/** Part of every route behind {@link signedIn}. */
export const forOwners = {
  middleware: signedIn,
  security: [{ bearer: [] }],
};

const jsonLimit: MiddlewareHandler<AppEnv> = bodyLimit({
  maxSize: MAX_JSON_BYTES,
  onError: () => {
    throw new BodyTooLarge("too_large", `Send at most ${MAX_JSON_BYTES} bytes of JSON`);
  },
});
const signedInWithJson: [typeof signedIn, typeof jsonLimit] = [signedIn, jsonLimit];

/** The same for a route that takes a JSON body. */
export const forOwnersWithJson = { ...forOwners, middleware: signedInWithJson };

/** The content of a JSON body or answer. */
export const json = <T extends z.ZodType>(schema: T) => ({ "application/json": { schema } });

export const instant = z.iso.datetime();

/** What clients see of a row: the fields that `schema` names, instants as text. */
export function shown<T extends z.ZodType>(schema: T, row: object): z.infer<T> {
  const fields = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Date ? value.toISOString() : value,
  ]);
  return schema.parse(Object.fromEntries(fields));
}

export const ProjectParams = z.object({ projectId: id });
export const FileParams = z.object({ projectId: id, fileId: id });

export const PageQuery = z.object({
  cursor: z.string().max(500).optional().describe("`nextCursor` of the page before"),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

/** A page of a list, newest first. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe("Null at the end of the list"),
  });
}

/** A page as it is answered. */
export function paged<Row, T>(page: Page<Row>, view: (row: Row) => T) {
  return { items: page.items.map(view), nextCursor: page.nextCursor };
}

/** The route of a list of what a project has, for its owner. */
export function projectList<P extends string, T extends z.ZodType>(
  path: P,
  summary: string,
  item: T,
) {
  return createRoute({
    ...forOwners,
    method: "get",
    path: `/projects/{projectId}/${path}` as const,
    summary,
    request: { params: ProjectParams, query: PageQuery },
    responses: {
      200: { description: "A page", content: json(pageOf(item)) },
      ...problems(401, 404, 422),
    },
  });
}

/** A name that people read: trimmed, one line, what Postgres can store. */
export const Name = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .regex(/^\P{Cc}*$/u, "must not contain control characters");

/** Sends events while a client waits. Throws Unavailable when Inngest does not take it in time. */
export async function wake(...events: readonly OutgoingEvent[]): Promise<void> {
  if (events.length === 0) return;
  try {
    await within(EMIT_MS, () => emit(...events));
  } catch (cause) {
    const name = events[0]?.name;
    if (TOO_LARGE.test(errorMessage(cause))) {
      const what =
        "Inngest does not take so large an event: send less, or a change as a diff or as several";
      throw new BodyTooLarge("event_too_large", what, { name }, cause);
    }
    throw new Unavailable("events_unavailable", "Not accepted now: send it again", { name }, cause);
  }
}
