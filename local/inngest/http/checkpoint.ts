import { z } from "zod";
import { InvalidInput } from "#lib/errors.ts";
import type { Engine } from "../engine.ts";
import type { Executor } from "../executor.ts";
import { recordStep } from "../lifecycle.ts";
import { limits } from "../limits.ts";
import { type Op, opList, toWireError } from "../reply.ts";
import { HttpError, type Request, type Response } from "./router.ts";

const body = z.looseObject({ request_id: z.string(), steps: opList });

/**
 * Records steps that the SDK ran inside one call, while that call is still under way.
 * 409 tells the SDK to stop: the run has ended, or the engine has called it again since (so that results of the
 * older call must not count). 413: an output over the limit.
 */
export async function checkpoint(
  engine: Engine,
  executor: Executor,
  request: Request,
): Promise<Response> {
  const parsed = body.safeParse(await request.json());
  if (!parsed.success) throw new InvalidInput("bad_checkpoint", parsed.error.message);
  const { request_id, steps } = parsed.data;
  const runId = request.params.run ?? "";
  const lost = `request ${request_id} of run ${runId} is no longer under way`;
  engine.db.transaction(() => {
    for (const op of steps) {
      const run = engine.runs.get(runId);
      if (run?.status !== "Running" || !executor.isUnderWay(request_id, runId)) {
        throw new HttpError(409, lost);
      }
      const name = op.displayName ?? op.name ?? op.id;
      const step = { id: op.id, op: op.op, name, attempts: 1 };
      const result = toResult(op);
      // An output over a limit ends the run here, as it would in production.
      if (!recordStep(engine, run, step, result)) break;
    }
  });
  if (engine.runs.get(runId)?.status !== "Running") {
    const large = steps.some((op) => JSON.stringify(toResult(op)).length > limits.stepOutputBytes);
    throw new HttpError(large ? 413 : 409, large ? "a step's output is too large" : lost);
  }
  return { json: {} };
}

/** What stands in `steps[id]` for an operation that the SDK completed by itself. */
function toResult(op: Op): unknown {
  if (op.op === "StepRun" || op.op === "Step") return { data: op.data ?? null };
  if (op.op === "StepFailed") return { error: toWireError(op.error ?? op.data) };
  throw new HttpError(501, `a checkpoint of ${op.op} is not part of the local engine yet`);
}
