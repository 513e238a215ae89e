import { z } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import type { RequestIdVariables } from "hono/request-id";
import { authenticate } from "#lib/auth/authenticate.ts";
import { within } from "#lib/deadline.ts";
import { Unavailable } from "#lib/errors.ts";
import { id } from "#lib/events/catalogue/fields.ts";
import { emit, type OutgoingEvent } from "#lib/events/emit.ts";

/** The SDK tries for longer than a client should wait. */
const EMIT_MS = 10_000;

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

/** A name that people read: trimmed, one line, what Postgres can store. */
export const Name = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .regex(/^\P{Cc}*$/u, "must not contain control characters");

/** Sends an event while a client waits. Throws Unavailable when Inngest does not take it in time. */
export async function wake(event: OutgoingEvent): Promise<void> {
  try {
    await within(EMIT_MS, () => emit(event));
  } catch (cause) {
    const { name } = event;
    throw new Unavailable("events_unavailable", "Not accepted now: send it again", { name }, cause);
  }
}
