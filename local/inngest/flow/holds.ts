import { parseDuration } from "../durations.ts";
import type { Engine } from "../engine.ts";
import type { FunctionConfig } from "../function-config.ts";
import type { QueueItem } from "../store/queue.ts";
import { type Arrival, begin, refuse } from "./begin.ts";
import { keyOf } from "./keys.ts";

/** What the payload of a held queue item says. */
interface Held {
  /** When the first event came, in milliseconds since the epoch. */
  readonly since: number;
  readonly arrivals: readonly Entry[];
}

/** An {@link Arrival} whose event is in the history. */
type Entry = Omit<Arrival, "event">;

const SETTING = { batch: "batchEvents", debounce: "debounce" } as const;

/**
 * Keeps an event for later: in a batch with others, or instead of the one that a debounce holds now. What is held is
 * one queue item per function and key, which is due when the function shall run.
 */
export function hold(
  engine: Engine,
  fn: FunctionConfig,
  kind: "batch" | "debounce",
  arrival: Arrival,
): void {
  const id = `${kind}:${fn.id}:${keyOf(fn[SETTING[kind]]?.key, arrival.event)}`;
  const payload = engine.queue.get(id)?.payload;
  const held = payload ? (JSON.parse(payload) as Held) : { since: Date.now(), arrivals: [] };
  const arrivals = (kind === "batch" ? gathered : newest)(engine, held, arrival);
  if (kind === "batch" && arrivals.length >= (fn.batchEvents?.maxSize ?? 1)) {
    engine.queue.remove(id);
    begin(engine, fn, withEvents(engine, arrivals));
    return;
  }
  engine.queue.put({
    id,
    kind,
    function_id: fn.id,
    payload: JSON.stringify({ since: held.since, arrivals }),
    due_at: kind === "batch" ? batchDue(fn, held.since) : debounceDue(fn, held.since),
    name: fn.id,
  });
}

/** The held events run now. Works inside a transaction of the caller. */
export function release(
  engine: Engine,
  item: Pick<QueueItem, "id" | "function_id" | "payload">,
): void {
  engine.queue.remove(item.id);
  if (!item.payload) return;
  const { arrivals } = JSON.parse(item.payload) as Held;
  const fn = engine.registry.get(item.function_id ?? "");
  if (fn) begin(engine, fn, withEvents(engine, arrivals));
  else {
    const message = `the function ${item.function_id} is no longer registered`;
    for (const entry of arrivals) refuse(engine, entry, message);
  }
}

/** The batch with one more event; the same event id counts once. */
function gathered(engine: Engine, { arrivals }: Held, arrival: Arrival): readonly Entry[] {
  const twice = arrivals.some((other) => engine.events.get(other.eventId)?.id === arrival.event.id);
  return twice ? arrivals : [...arrivals, entryOf(arrival)];
}

/** The event that was sent last, which need not be the one that came last. The other one starts nothing. */
function newest(engine: Engine, { arrivals: [current] }: Held, arrival: Arrival): readonly Entry[] {
  if (!current) return [entryOf(arrival)];
  const sentAt = engine.events.get(current.eventId)?.ts ?? 0;
  const [kept, replaced] = sentAt > arrival.event.ts ? [current, arrival] : [arrival, current];
  refuse(engine, replaced, "the debounced invoke was replaced by a newer event");
  return [entryOf(kept)];
}

function entryOf({ eventId, correlationId }: Entry): Entry {
  return { eventId, correlationId };
}

function withEvents(engine: Engine, entries: readonly Entry[]): Arrival[] {
  return entries.flatMap((entry) => {
    const event = engine.events.get(entry.eventId);
    return event ? [{ ...entry, event }] : [];
  });
}

function batchDue({ batchEvents }: FunctionConfig, since: number): number {
  return since + parseDuration(batchEvents?.timeout ?? "");
}

/** Debounced again and again it runs nevertheless when its timeout is over. */
function debounceDue({ debounce }: FunctionConfig, since: number): number {
  const due = Date.now() + parseDuration(debounce?.period ?? "");
  return debounce?.timeout ? Math.min(due, since + parseDuration(debounce.timeout)) : due;
}
