import type { Engine } from "./engine.ts";
import { resolveStep } from "./lifecycle.ts";

/**
 * Wakes the run that waits for this signal.
 * @returns its id; undefined when none waits.
 */
export function sendSignal(engine: Engine, signal: string, data: unknown): string | undefined {
  return engine.db.transaction(() => {
    const pause = engine.pauses.ofSignal(signal);
    if (!pause || (pause.expires_at !== null && pause.expires_at <= Date.now())) return undefined;
    engine.pauses.remove(pause.id);
    engine.queue.remove(`${pause.id}:timeout`);
    const step = {
      id: pause.step_id ?? "",
      op: "WaitForSignal",
      name: pause.name,
      race: pause.race === 1,
      attempts: 1,
    };
    resolveStep(engine, pause.run_id, step, { data: { signal, data: data ?? null } });
    return pause.run_id;
  });
}
