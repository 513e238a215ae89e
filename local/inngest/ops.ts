import { createHash } from "node:crypto";
import { CountersignError } from "#lib/errors.ts";
import { retryDelay } from "./backoff.ts";
import { dueTime } from "./durations.ts";
import type { Engine } from "./engine.ts";
import { admit } from "./flow/admission.ts";
import { ulid } from "./ids.ts";
import { finishRun, recordStep, tooManySteps } from "./lifecycle.ts";
import { limits } from "./limits.ts";
import { type Op, type Reply, toWireError } from "./reply.ts";
import type { QueueItem } from "./store/queue.ts";
import type { Run } from "./store/runs.ts";

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
    else if (applyOp(engine, run, item, op)) lookAgain = true;
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
function applyOp(engine: Engine, run: Run, item: QueueItem, op: Op): boolean {
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
      if (!engine.runs.hasStep(run.id, op.id)) plan(engine, run, op, name);
      return false;
  }
}

/** Puts an operation that takes its time into the queue or among the pauses, unless it is there already. */
function plan(engine: Engine, run: Run, op: Op, name: string): void {
  const id = `${run.id}:${op.id}`;
  const race = op.opts?.parallelMode === "race" ? 1 : 0;
  const common = { id, run_id: run.id, step_id: op.id, race, name };
  try {
    switch (op.op) {
      case "StepPlanned":
        engine.queue.add({ ...common, kind: "call", due_at: Date.now() });
        break;
      case "Sleep":
        engine.queue.add({ ...common, kind: "sleep", due_at: dueTime(op.name ?? "", Date.now()) });
        break;
      case "WaitForEvent":
        wait(engine, run, op, common);
        break;
      case "InvokeFunction":
        invoke(engine, run, op, common);
        break;
      default: {
        const message = `the operation ${op.op} is not supported by the local engine yet (step "${name}")`;
        finishRun(engine, run, { status: "Failed", error: { name: "NotSupported", message } });
      }
    }
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    const failure = { name: error.name, message: `step "${name}": ${error.message}` };
    finishRun(engine, run, { status: "Failed", error: failure });
  }
}

interface Planned {
  readonly id: string;
  readonly run_id: string;
  readonly step_id: string;
  readonly race: number;
  readonly name: string;
}

function wait(engine: Engine, run: Run, op: Op, planned: Planned): void {
  const expires_at = addTimeout(engine, op, planned);
  const own = engine.events.get(run.eventId);
  const expression = typeof op.opts?.if === "string" ? op.opts.if : null;
  engine.pauses.add(
    { ...planned, kind: "wait", event: op.name ?? "", expression, expires_at },
    own ?? {},
  );
}

function invoke(engine: Engine, run: Run, op: Op, planned: Planned): void {
  if (engine.pauses.get(planned.id)) return; // reported once more while it is under way
  const functionId = String(op.opts?.function_id ?? "");
  const fn = engine.registry.get(functionId);
  if (!fn) {
    const error = { name: "Error", message: `could not find function with ID: ${functionId}` };
    recordStep(engine, run, { id: op.id, op: op.op, name: planned.name, attempts: 1 }, { error });
    return;
  }
  const expires_at = addTimeout(engine, op, planned);
  engine.pauses.add({ ...planned, kind: "invoke", expires_at }, {});
  const payload = (op.opts?.payload ?? {}) as { data?: Record<string, unknown>; v?: string };
  const id = ulid();
  const event = {
    id,
    name: "inngest/function.invoked",
    data: {
      ...payload.data,
      _inngest: {
        fn_id: fn.id,
        correlation_id: planned.id,
        expire: expires_at,
        source_run_id: run.id,
      },
    },
    ...(payload.v ? { v: payload.v } : {}),
    ts: Date.now(),
  };
  engine.events.add(id, event);
  admit(engine, fn, { eventId: id, event, correlationId: planned.id });
}

/** @returns when the step times out, or null when it never does. */
function addTimeout(engine: Engine, op: Op, planned: Planned): number | null {
  const { timeout } = op.opts ?? {};
  if (typeof timeout !== "string") return null;
  const due_at = dueTime(timeout, Date.now());
  engine.queue.add({ ...planned, id: `${planned.id}:timeout`, kind: "timeout", due_at });
  return due_at;
}
