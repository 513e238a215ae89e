import { z } from "zod";
import { limits } from "./limits.ts";

const text = z.string().min(1).max(limits.sessionChars);

/** `meta` of an event as a sender may write it: session keys with their ids, null where one shall not be inherited. */
export const eventMeta = z.looseObject({
  sessions: z
    .record(text, text.nullable())
    .refine(
      (sessions) => Object.values(sessions).filter(Boolean).length <= limits.sessions,
      `an event has at most ${limits.sessions} sessions`,
    )
    .nullish(),
  propagated_sessions: z.record(text, text).nullish(),
});

/**
 * Joins the sessions that an event inherited from the run that sent it with those that it was given, which win.
 * `sessions: null` inherits none, a null in it not that one. What is over the limit is inherited no more.
 */
export function joinSessions(meta: z.infer<typeof eventMeta>): Record<string, unknown> {
  const { sessions, propagated_sessions, ...rest } = meta;
  const own = Object.entries(sessions ?? {});
  const given = new Set(own.map(([key]) => key));
  const inherited = Object.entries(sessions === null ? {} : (propagated_sessions ?? {}))
    .filter(([key]) => !given.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const joined = [...own.filter(([, id]) => id !== null), ...inherited].slice(0, limits.sessions);
  return joined.length > 0 ? { ...rest, sessions: Object.fromEntries(joined) } : rest;
}
