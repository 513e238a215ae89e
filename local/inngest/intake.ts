import { z } from "zod";
import { InvalidInput } from "#lib/errors.ts";
import type { Engine } from "./engine.ts";
import { seededIds } from "./ids.ts";
import { limits } from "./limits.ts";
import { dispatchEvent } from "./matcher.ts";
import { issuesOf } from "./schemas.ts";
import { eventMeta, joinSessions } from "./sessions.ts";
import type { InngestEvent } from "./store/events.ts";

/** Production's bound: what is later was sent in another unit, and its function would never start. */
const LATEST_TS = Date.UTC(2100, 0, 1);

const incoming = z.looseObject({
  id: z.string().max(1000).nullish(),
  name: z
    .string()
    .min(1, "an event needs a name")
    .max(1000)
    .refine((name) => !name.startsWith("inngest/"), "names that start with inngest/ are reserved"),
  data: z.record(z.string(), z.unknown()).nullish(),
  user: z.record(z.string(), z.unknown()).nullish(),
  ts: z.int().min(0).max(LATEST_TS, "ts is in milliseconds, and not after the year 2099").nullish(),
  meta: eventMeta.nullish(),
});

/**
 * Takes in what was posted to `/e/:key`: one event or an array, all of them or, when one is bad, none.
 * @param seed the header `x-inngest-event-id-seed`: with it a repeated request stores nothing twice.
 * @returns our ids in the order of the events, which are durable once `db.committed()` resolves.
 * @throws InvalidInput that names the event and what to change.
 */
export function takeIn(engine: Engine, body: unknown, seed: string | undefined): string[] {
  const list = Array.isArray(body) ? body : [body];
  const idAt = seededIds(seed);
  const now = Date.now();
  const events = list.map((input, i) => {
    const id = idAt(i);
    return { id, event: toEvent(input, i, id, now) };
  });
  engine.db.transaction(() => {
    for (const { id, event } of events) {
      if (engine.events.add(id, event)) dispatchEvent(engine, id, event);
    }
  });
  return events.map(({ id }) => id);
}

function toEvent(input: unknown, index: number, ourId: string, now: number): InngestEvent {
  const parsed = incoming.safeParse(input);
  if (!parsed.success) {
    throw new InvalidInput("bad_event", `event ${index}: ${issuesOf(parsed.error)}`);
  }
  const { id, data, user, ts, meta, ...rest } = parsed.data;
  const event = {
    ...rest,
    ...(meta ? { meta: joinSessions(meta) } : {}),
    id: id || ourId,
    data: data ?? {},
    user: user ?? {},
    ts: ts || now,
  };
  const bytes = Buffer.byteLength(JSON.stringify(event));
  if (bytes > limits.eventBytes) {
    throw new InvalidInput(
      "event_too_large",
      `event ${index} has ${bytes} bytes, the limit is ${limits.eventBytes}: send a reference instead`,
    );
  }
  return event;
}
