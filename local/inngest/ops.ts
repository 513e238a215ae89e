import { createHash } from "node:crypto";
import { retryDelay } from "./backoff.ts";
import type { Engine } from "./engine.ts";
import { finishRun, recordStep, tooManySteps } from "./lifecycle.ts";
import { limits } from "./limits.ts";
import { plan } from "./plan.ts";
import { type Op, type Reply, toWireError } from "./reply.ts";
import type { QueueItem } from "./store/queue.ts";
import type { Run } from "./store/run.ts";

/** The id under which the SDK reports the end of the function itself. */
const FUNCTION_END = createHash("sha1").update("complete").digest("hex");

/** Applies what the app reported for one queue item: part of the caller's transaction. */
export function applyOps(
  engine: Engine,
  run: Run,
  item: QueueItem,
  { ops, version, retryAfterMs }: Extract<Reply, { kind: "ops" }>,
): void {
  if (run.version === -1 && version !== undefined) engine.runs.setVersion(run.id, version);
  if (ops.length > limits.steps) {
    finishRun(engine, run, { status: "Failed", error: tooManySteps() });
    return;
  }
  let failed: Op | undefined;
  let lookAgain = false;
  let race = item.race === 1 || version === 1;
  for (const op of ops) {
    if (op.op === "StepError") failed = op;
    else if (applyOp(engine, run, item, op, ops.length > 1)) lookAgain = true;
    if (op.opts?.parallelMode === "race") race = true;
    if (engine.runs.get(run.id)?.status !== "Running") return;
  }
  if (failed) {
    failAttempt(engine, run, item, toWireError(failed.error), retryAfterMs);
    return;
  }
  engine.queue.complete(item.id);
  const free = race || !engine.runs.mustWait(run.id);
  if ((lookAgain && free) || !engine.runs.hasPending(run.id)) engine.queue.addDiscovery(run.id);
}

/**
 * One attempt of a queue item failed: the same item again after a while, or, when its attempts are used up, the
 * end of the run. (The SDK itself reports a failed step on the last attempt, so this end is for functions and for
 * apps that do not answer.)
 */
export function failAttempt(
  engine: Engine,
  run: Run,
  item: QueueItem,
  error: ReturnType<typeof toWireError>,
  retryAfterMs: number | undefined,
): void {
  const maxAttempts = engine.registry.get(run.functionId)?.maxAttempts ?? 1;
  if (item.attempt + 1 >= maxAttempts) {
    finishRun(engine, run, { status: "Failed", error });
    return;
  }
  const delay = retryAfterMs ?? retryDelay(item.attempt, engine.options.retryDelayMs);
  engine.queue.move(item.id, {
    due_at: Date.now() + delay,
    attempt: item.attempt + 1,
    failures: 0,
    last_error: `${error.name}: ${error.message}`,
  });
}

/** @returns whether a step got its result, so that the run may have something new to do. */
function applyOp(engine: Engine, run: Run, item: QueueItem, op: Op, parallel: boolean): boolean {
  const name = op.displayName ?? op.name ?? op.id;
  const step = { id: op.id, op: op.op, name, attempts: item.attempt + 1 };
  switch (op.op) {
    case "Step":
    case "StepRun":
      recordStep(engine, run, step, { data: op.data ?? null });
      return true;
    case "StepFailed": {
      const error = toWireError(op.error ?? op.data);
      if (op.id === FUNCTION_END) finishRun(engine, run, { status: "Failed", error });
      else recordStep(engine, run, step, { error });
      return true;
    }
    case "RunComplete":
    case "SyncRunComplete":
      finishRun(engine, run, { status: "Completed", result: op.data });
      return true;
    case "DiscoveryRequest":
      return true;
    default:
      if (!engine.runs.hasStep(run.id, op.id)) plan(engine, run, op, name, parallel);
      return false;
  }
}
