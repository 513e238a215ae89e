import { dueTime, parseDuration } from "./durations.ts";
import type { Engine } from "./engine.ts";
import type { Arrival } from "./flow/begin.ts";
import { slotsOf } from "./flow/concurrency.ts";
import { keyOf, resultOn } from "./flow/keys.ts";
import type { FunctionConfig } from "./function-config.ts";
import { ulid } from "./ids.ts";
import type { InngestEvent } from "./store/events.ts";

/** Production's bounds of a run's priority, in seconds. */
const PRIORITY_S = 600;

/**
 * Starts a run: its row, what may cancel it, its deadlines, and its first call, which is due at the event's time where
 * that is still to come, and when the throttle lets it.
 * Works inside a transaction of the caller.
 * @param arrivals its events; several make a batch, none no run.
 * @param singleton the key under which only one run may be, if there is one.
 * @returns the run's id.
 */
export function startRun(
  engine: Engine,
  fn: FunctionConfig,
  arrivals: readonly Arrival[],
  singleton: string | null,
): string | undefined {
  const [first] = arrivals;
  if (!first) return undefined;
  const now = Date.now();
  const id = ulid(now);
  engine.runs.add({
    id,
    functionId: fn.id,
    eventId: first.eventId,
    eventIds: arrivals.map(({ eventId }) => eventId),
    correlationIds: arrivals.flatMap(({ correlationId }) => correlationId ?? []),
    slots: slotsOf(fn, first.event),
    priority: priorityOf(fn, first.event),
    singleton,
  });
  fn.cancel.forEach((cancel, i) => {
    engine.pauses.add(
      {
        id: `${id}:cancel:${i}`,
        kind: "cancel",
        run_id: id,
        event: cancel.event,
        expression: cancel.if,
        expires_at: cancel.timeout ? dueTime(cancel.timeout, now) : null,
      },
      first.event,
    );
  });
  if (fn.timeouts?.start) {
    const due_at = now + parseDuration(fn.timeouts.start);
    engine.queue.add({ id: `${id}:start`, kind: "start-timeout", run_id: id, due_at });
  }
  engine.queue.addDiscovery(id, { dueAt: startTime(engine, fn, first.event, now) });
  return id;
}

/** A run's first call is about to be made: from here on its time to finish counts. */
export function markStarted(engine: Engine, runId: string, fn: FunctionConfig): void {
  const now = Date.now();
  engine.runs.setStarted(runId, now);
  engine.queue.remove(`${runId}:start`);
  if (!fn.timeouts?.finish) return;
  const due_at = now + parseDuration(fn.timeouts.finish);
  engine.queue.add({ id: `${runId}:finish`, kind: "finish-timeout", run_id: runId, due_at });
}

/** When a run starts. As in production a batch does not wait for the times of its events. */
function startTime(engine: Engine, fn: FunctionConfig, event: InngestEvent, now: number): number {
  const allowedAt = throttled(engine, fn, event, now);
  return fn.batchEvents ? allowedAt : Math.max(allowedAt, event.ts);
}

/** When the throttle lets a run start. */
function throttled(engine: Engine, fn: FunctionConfig, event: InngestEvent, now: number): number {
  if (!fn.throttle) return now;
  const { limit, period, burst = 0, key } = fn.throttle;
  const rate = { limit, periodMs: parseDuration(period), burst };
  return engine.rates.reserve(`throttle:${fn.id}:${keyOf(key, event)}`, rate, now);
}

/** Seconds by which the run goes before others; an expression that is no number counts as 0. */
function priorityOf(fn: FunctionConfig, event: InngestEvent): number {
  if (!fn.priority?.run) return 0;
  const seconds = Number(resultOn(fn.priority.run, event));
  return Number.isFinite(seconds)
    ? Math.trunc(Math.max(-PRIORITY_S, Math.min(PRIORITY_S, seconds)))
    : 0;
}
