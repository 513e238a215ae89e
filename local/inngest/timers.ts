import { errorMessage } from "#lib/errors.ts";
import { reconnectDelay } from "./backoff.ts";
import type { Engine } from "./engine.ts";
import { ulid } from "./ids.ts";
import { createRun, resolveStep } from "./lifecycle.ts";
import type { QueueItem } from "./store/queue.ts";

/** Does what a sleep, a timeout or a cron that is due causes, in one transaction. Never throws. */
export function fireTimer(engine: Engine, item: QueueItem): void {
  try {
    engine.db.transaction(() => {
      engine.queue.remove(item.id);
      if (item.kind === "cron") fireCron(engine, item);
      else if (item.kind === "sleep") resolve(engine, item, "Sleep", null);
      else fireTimeout(engine, item);
    });
  } catch (error) {
    engine.log(`${item.kind} ${item.id} failed inside the engine: ${errorMessage(error)}`);
    engine.queue.move(item.id, {
      due_at: Date.now() + reconnectDelay(item.failures),
      attempt: item.attempt,
      failures: item.failures + 1,
      last_error: errorMessage(error),
    });
  }
}

function fireTimeout(engine: Engine, item: QueueItem): void {
  const pause = engine.pauses.get(`${item.run_id}:${item.step_id}`);
  if (!pause) return;
  engine.pauses.remove(pause.id);
  if (pause.kind === "invoke") {
    const error = {
      name: "InngestInvokeTimeoutError",
      message: "Timed out waiting for invoked function to complete",
    };
    resolve(engine, item, "InvokeFunction", { error });
  } else {
    resolve(engine, item, "WaitForEvent", null);
  }
}

function resolve(engine: Engine, item: QueueItem, op: string, result: unknown): void {
  if (!item.run_id || !item.step_id) return;
  const step = { id: item.step_id, op, name: item.name, race: item.race === 1, attempts: 1 };
  resolveStep(engine, item.run_id, step, result);
}

/** One run per tick; ticks that passed while the engine was down are made up for by one. */
function fireCron(engine: Engine, item: QueueItem): void {
  const fn = engine.registry.get(item.function_id ?? "");
  if (!fn || !item.payload) return;
  const trigger = JSON.parse(item.payload) as { cron: string; jitter?: string };
  const now = Date.now();
  const id = ulid(now);
  const event = { id, name: "inngest/scheduled.timer", data: { cron: trigger.cron }, ts: now };
  engine.events.add(id, event);
  createRun(engine, fn, id, event);
  const due_at = engine.registry.cronDue(trigger, now);
  if (due_at !== undefined) engine.queue.add({ ...item, due_at });
}
