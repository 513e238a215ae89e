import { doAgain } from "./again.ts";
import type { Engine } from "./engine.ts";
import { admit } from "./flow/admission.ts";
import { release } from "./flow/holds.ts";
import { ulid } from "./ids.ts";
import { finishRun, resolveStep } from "./lifecycle.ts";
import { PARALLEL } from "./plan.ts";
import type { QueueItem } from "./store/queue.ts";

/** Does what a sleep, a timeout or a cron that is due causes, in one transaction. Rejects only as {@link doAgain} throws. */
export async function fireTimer(engine: Engine, item: QueueItem): Promise<void> {
  const { kind } = item;
  if (kind === "call" || kind === "gateway") return;
  try {
    engine.db.transaction(() => {
      engine.queue.remove(item.id);
      handlers[kind](engine, item);
    });
    await engine.db.committed();
  } catch (error) {
    doAgain(engine, item, error);
  }
}

const handlers: Readonly<
  Record<Exclude<QueueItem["kind"], "call" | "gateway">, (engine: Engine, item: QueueItem) => void>
> = {
  sleep: (engine, item) => resolve(engine, item, "Sleep", null),
  timeout: fireTimeout,
  "start-timeout": fireDeadline,
  "finish-timeout": fireDeadline,
  batch: release,
  debounce: release,
  cron: fireCron,
};

/** A run that has not started or not finished in time is cancelled, as production does it, unless the limit was removed. */
function fireDeadline(engine: Engine, { kind, run_id }: QueueItem): void {
  const run = engine.runs.get(run_id ?? "");
  if (!run || (kind === "start-timeout" && run.startedAt !== null)) return;
  const fn = engine.registry.get(run.functionId);
  if (fn && !fn.timeouts?.[kind === "start-timeout" ? "start" : "finish"]) return;
  finishRun(engine, run, { status: "Cancelled" });
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
    resolve(engine, item, pause.kind === "signal" ? "WaitForSignal" : "WaitForEvent", null);
  }
}

function resolve(engine: Engine, item: QueueItem, op: string, result: unknown): void {
  if (!item.run_id || !item.step_id) return;
  const step = {
    id: item.step_id,
    op,
    name: item.name,
    race: item.race === 1,
    attempts: 1,
    // Production does so after a sleep that ends parallel steps; after other steps it does not.
    planOnly: item.kind === "sleep" && item.payload === PARALLEL,
  };
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
  admit(engine, fn, { eventId: id, event, correlationId: null });
  const due_at = engine.registry.cronDue(trigger, now);
  if (due_at !== undefined) engine.queue.add({ ...item, due_at });
}
