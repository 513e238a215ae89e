import { z } from "zod";
import { CountersignError, InvalidInput } from "#lib/errors.ts";
import { dueTime } from "./durations.ts";
import type { Engine } from "./engine.ts";
import { admit } from "./flow/admission.ts";
import { ulid } from "./ids.ts";
import { finishRun, recordStep } from "./lifecycle.ts";
import type { Op } from "./reply.ts";
import { issuesOf } from "./schemas.ts";
import { eventMeta, joinSessions } from "./sessions.ts";
import type { Run } from "./store/run.ts";

/** What a sleep's queue item says when the app reported other steps beside it. */
export const PARALLEL = "parallel";

/**
 * Puts an operation that takes its time into the queue or among the pauses, unless it is there already.
 * @param parallel whether the app reported others beside it.
 */
export function plan(engine: Engine, run: Run, op: Op, name: string, parallel: boolean): void {
  const id = `${run.id}:${op.id}`;
  const race = op.opts?.parallelMode === "race" ? 1 : 0;
  const common = { id, run_id: run.id, step_id: op.id, race, name };
  try {
    switch (op.op) {
      case "StepPlanned":
        engine.queue.add({ ...common, kind: "call", due_at: Date.now() });
        break;
      case "Sleep":
        engine.queue.add({
          ...common,
          kind: "sleep",
          payload: parallel ? PARALLEL : null,
          due_at: dueTime(op.name ?? "", Date.now()),
        });
        break;
      case "WaitForEvent":
        waitForEvent(engine, run, op, common);
        break;
      case "WaitForSignal":
        waitForSignal(engine, run, op, common);
        break;
      case "InvokeFunction":
        invoke(engine, run, op, common);
        break;
      case "Gateway":
      case "AIGateway": {
        const payload = JSON.stringify({ op: op.op, ...op.opts });
        engine.queue.add({ ...common, kind: "gateway", payload, due_at: Date.now() });
        break;
      }
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

const invokePayload = z.looseObject({
  data: z.record(z.string(), z.unknown()).nullish(),
  v: z.string().nullish(),
  meta: eventMeta.nullish().catch(null),
});

interface Planned {
  readonly id: string;
  readonly run_id: string;
  readonly step_id: string;
  readonly race: number;
  readonly name: string;
}

function waitForEvent(engine: Engine, run: Run, op: Op, planned: Planned): void {
  const expires_at = addTimeout(engine, op, planned);
  const own = engine.events.get(run.eventId);
  const expression = typeof op.opts?.if === "string" ? op.opts.if : null;
  engine.pauses.add(
    { ...planned, kind: "wait", event: op.name ?? "", expression, expires_at },
    own ?? {},
  );
}

function waitForSignal(engine: Engine, run: Run, op: Op, planned: Planned): void {
  if (engine.pauses.get(planned.id)) return; // reported once more while it is under way
  const signal = String(op.opts?.signal ?? "");
  if (!signal) throw new InvalidInput("bad_signal", "a signal needs a name");
  const other = engine.pauses.ofSignal(signal);
  if (other && op.opts?.conflict !== "replace") {
    const message = "Signal conflict; signal wait already exists for another run";
    finishRun(engine, run, { status: "Failed", error: { name: "Error", message } });
    return;
  }
  // Nothing but its timeout ends the replaced wait now.
  if (other) engine.pauses.dropSignal(other.id);
  const expires_at = addTimeout(engine, op, planned);
  engine.pauses.add({ ...planned, kind: "signal", signal, expires_at }, {});
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
  const parsed = invokePayload.safeParse(op.opts?.payload ?? {});
  if (!parsed.success) throw new InvalidInput("bad_payload", issuesOf(parsed.error));
  const payload = parsed.data;
  const id = ulid();
  const event = {
    id,
    name: "inngest/function.invoked",
    user: {},
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
    ...(payload.meta ? { meta: joinSessions(payload.meta) } : {}),
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
