import type { Engine } from "./engine.ts";
import { admit } from "./flow/admission.ts";
import { finishRun, resolveStep } from "./lifecycle.ts";
import type { InngestEvent } from "./store/events.ts";
import type { Pause } from "./store/pauses.ts";

/**
 * Does what a stored event causes: wakes what waits for it, then starts the functions it triggers (in this order, so
 * that no event wakes or cancels the run that it starts). Part of the transaction that stores the event.
 */
export function dispatchEvent(engine: Engine, eventId: string, event: InngestEvent): void {
  for (const pause of engine.pauses.matching(event)) wake(engine, pause, event);
  for (const fn of engine.registry.triggeredBy(event)) {
    admit(engine, fn, { eventId, event, correlationId: null });
  }
}

function wake(engine: Engine, pause: Pause, event: InngestEvent): void {
  // Another pause that the same event woke may have ended the run, and with it this pause.
  if (!engine.pauses.remove(pause.id)) return;
  if (pause.kind === "cancel") {
    const run = engine.runs.get(pause.run_id);
    if (run) finishRun(engine, run, { status: "Cancelled" });
    return;
  }
  engine.queue.remove(`${pause.id}:timeout`);
  const step = {
    id: pause.step_id ?? "",
    op: "WaitForEvent",
    name: pause.name,
    race: pause.race === 1,
    attempts: 1,
  };
  resolveStep(engine, pause.run_id, step, event);
}
