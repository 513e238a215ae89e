import type { Engine } from "./engine.ts";
import { ulid } from "./ids.ts";
import { limits } from "./limits.ts";
import type { Run } from "./store/run.ts";

/** An error as it travels in steps, events and run outputs. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly [key: string]: unknown;
}

/** How a run ends. */
export type Outcome =
  | { readonly status: "Completed"; readonly result: unknown }
  | { readonly status: "Failed"; readonly error: WireError }
  | { readonly status: "Cancelled" };

/** A step that got its result. */
export interface ResolvedStep {
  readonly id: string;
  readonly op: string;
  readonly name: string;
  /** Whether the run goes on after each of several parallel steps, not only after the last. */
  readonly race: boolean;
  readonly attempts: number;
  /** Whether the next look shall only plan steps and run none. */
  readonly planOnly?: boolean;
}

/** Records a step's result and lets its run go on once no parallel step is pending. */
export function resolveStep(
  engine: Engine,
  runId: string,
  step: ResolvedStep,
  result: unknown,
): void {
  const run = engine.runs.get(runId);
  if (run?.status !== "Running") return;
  if (!recordStep(engine, run, step, result)) return;
  if (step.race || run.version === 1 || !engine.runs.mustWait(runId)) {
    engine.queue.addDiscovery(runId, { planOnly: step.planOnly });
  }
}

/**
 * Stores what stands in `steps[id]` from now on, within production's limits.
 * @returns false when the run failed on a limit.
 */
export function recordStep(
  engine: Engine,
  run: Run,
  step: Omit<ResolvedStep, "race" | "planOnly">,
  result: unknown,
): boolean {
  const json = JSON.stringify(result ?? null);
  const error = overLimit(engine, run, step, Buffer.byteLength(json));
  if (error) {
    // Told again: it counts already, and stays as it is.
    if (engine.runs.hasStep(run.id, step.id)) return true;
    finishRun(engine, run, { status: "Failed", error });
    return false;
  }
  const { id, op, name, attempts } = step;
  engine.runs.addStep(run.id, { id, op, name, attempts, result: json });
  return true;
}

/** Ends a run, tells everybody who waits for that, and drops what it still had to do. Does nothing when it has ended. */
export function finishRun(engine: Engine, run: Run, outcome: Outcome): void {
  if (outcome.status === "Completed") {
    const bytes = Buffer.byteLength(JSON.stringify(outcome.result ?? null));
    if (bytes > limits.stepOutputBytes) {
      finishRun(engine, run, { status: "Failed", error: outputTooLarge("the function", bytes) });
      return;
    }
  }
  const output =
    outcome.status === "Completed"
      ? (outcome.result ?? null)
      : outcome.status === "Failed"
        ? outcome.error
        : null;
  if (!engine.runs.end(run.id, outcome.status, JSON.stringify(output))) return;
  engine.queue.removeRun(run.id);
  engine.pauses.removeRun(run.id);
  publishEnd(engine, run, outcome);
  for (const id of run.correlationIds) answerInvoke(engine, id, outcome);
}

function publishEnd(engine: Engine, run: Run, outcome: Outcome): void {
  const events = run.eventIds.flatMap((id) => engine.events.get(id) ?? []);
  const about = {
    function_id: run.functionId,
    run_id: run.id,
    event: events[0],
    events,
    ...(run.correlationIds[0] ? { correlation_id: run.correlationIds[0] } : {}),
  };
  const publish = (name: string, data: Record<string, unknown>) =>
    engine.publish({ id: ulid(), name, data, ts: Date.now() });
  if (outcome.status === "Cancelled") {
    const error = { name: "Error", message: "function cancelled" };
    publish("inngest/function.cancelled", { ...about, error });
    return;
  }
  if (outcome.status === "Failed") {
    publish("inngest/function.failed", { ...about, error: outcome.error });
  }
  const end =
    outcome.status === "Failed" ? { error: outcome.error } : { result: outcome.result ?? null };
  publish("inngest/function.finished", {
    ...about,
    ...end,
    _inngest: { status: outcome.status },
  });
}

/** Gives an invoke step what the invoked run came to. */
export function answerInvoke(engine: Engine, correlationId: string, outcome: Outcome): void {
  const pause = engine.pauses.get(correlationId);
  if (!pause?.step_id) return; // it timed out, or its own run has ended
  engine.pauses.remove(pause.id);
  engine.queue.remove(`${pause.id}:timeout`);
  const step = {
    id: pause.step_id,
    op: "InvokeFunction",
    name: pause.name,
    race: pause.race === 1,
    attempts: 1,
  };
  const result =
    outcome.status === "Completed"
      ? { data: outcome.result ?? null }
      : outcome.status === "Failed"
        ? { error: outcome.error }
        : { error: { name: "Error", message: "the invoked function was cancelled" } };
  resolveStep(engine, pause.run_id, step, result);
}

function overLimit(
  engine: Engine,
  run: Run,
  step: { id: string; name: string },
  bytes: number,
): WireError | undefined {
  if (bytes > limits.stepOutputBytes) {
    return outputTooLarge(`step "${step.name}"`, bytes);
  }
  // Read again: the caller's copy may be from before its last step.
  const { stateBytes, stepCount } = engine.runs.get(run.id) ?? run;
  if (stateBytes + bytes > limits.runStateBytes) {
    return {
      name: "InngestErrStateOverflowed",
      message: `The function run exceeded the state size limit of ${limits.runStateBytes} bytes.`,
    };
  }
  if (stepCount >= limits.steps) return tooManySteps();
  return undefined;
}

function outputTooLarge(of: string, bytes: number): WireError {
  return {
    name: "output_too_large",
    message: `The output of ${of} has ${bytes} bytes, the limit is ${limits.stepOutputBytes}.`,
  };
}

/** What a run fails with that has more steps than production allows. */
export function tooManySteps(): WireError {
  return {
    name: "InngestErrFunctionOverflowed",
    message: `The function run exceeded the step limit of ${limits.steps} steps.`,
  };
}
