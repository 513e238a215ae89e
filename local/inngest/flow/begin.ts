import type { Engine } from "../engine.ts";
import type { FunctionConfig } from "../function-config.ts";
import { answerInvoke, finishRun } from "../lifecycle.ts";
import { limits } from "../limits.ts";
import { startRun } from "../start.ts";
import type { InngestEvent } from "../store/events.ts";
import { isExempt, keyOf } from "./keys.ts";

/** An event that reached a function. */
export interface Arrival {
  /** Our id of the event. */
  readonly eventId: string;
  readonly event: InngestEvent;
  /** The invoke that waits for the run, if it is one. */
  readonly correlationId: string | null;
}

/** Starts a run for these events, unless the function is a singleton that skips. */
export function begin(engine: Engine, fn: FunctionConfig, arrivals: readonly Arrival[]): void {
  // What was held may have become a repetition meanwhile.
  const fresh = arrivals.filter((arrival) => !refuseRepeated(engine, fn, arrival));
  const [first] = fresh;
  if (!first) return;
  let singleton: string | null = null;
  if (fn.singleton && !isExempt(fn.singleton.key, first.event)) {
    singleton = `${fn.id}:${keyOf(fn.singleton.key, first.event)}`;
    const current = engine.runs.ofSingleton(singleton);
    if (current && fn.singleton.mode === "skip") {
      for (const arrival of fresh) {
        refuse(engine, arrival, "the function is a singleton and runs already");
      }
      return;
    }
    if (current) finishRun(engine, current, { status: "Cancelled" });
  }
  const until = Date.now() + limits.idempotencyMs;
  for (const arrival of fresh) {
    for (const key of keysOf(fn, arrival)) engine.keys.take(key, arrival.eventId, until);
  }
  startRun(engine, fn, fresh, singleton);
}

/** Starts nothing; an invoke that waits for it learns why. */
export function refuse(
  engine: Engine,
  { correlationId }: Pick<Arrival, "correlationId">,
  message: string,
): void {
  if (!correlationId) return;
  answerInvoke(engine, correlationId, { status: "Failed", error: { name: "Error", message } });
}

/**
 * Refuses an event whose id, or whose idempotency key, started the function in the last 24 hours.
 * @returns whether it did.
 */
export function refuseRepeated(engine: Engine, fn: FunctionConfig, arrival: Arrival): boolean {
  const repeated = keysOf(fn, arrival).some((key) => engine.keys.has(key));
  if (repeated) refuse(engine, arrival, "the function ran for this event or key already");
  return repeated;
}

function keysOf(fn: FunctionConfig, { eventId, event }: Arrival): string[] {
  const keys: string[] = [];
  if (event.id !== eventId) keys.push(`${fn.id}:event:${event.id}`);
  if (fn.idempotency) keys.push(`${fn.id}:key:${keyOf(fn.idempotency, event)}`);
  return keys;
}
