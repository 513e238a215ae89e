import { z } from "zod";
import { InvalidInput } from "#lib/errors.ts";
import type { Engine } from "../engine.ts";
import type { Executor } from "../executor.ts";
import { recordStep } from "../lifecycle.ts";
import { limits } from "../limits.ts";
import { opList, toWireError } from "../reply.ts";
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
  engine.db.transaction(() => {
    for (const op of steps) {
      const run = engine.runs.get(runId);
      if (run?.status !== "Running" || !executor.isUnderWay(request_id, runId)) {
        throw new HttpError(409, `request ${request_id} of run ${runId} is no longer under way`);
      }
      const name = op.displayName ?? op.name ?? op.id;
      const step = { id: op.id, op: op.op, name, attempts: 1 };
      if (op.op === "StepRun" || op.op === "Step") {
        if (Buffer.byteLength(JSON.stringify(op.data ?? null)) > limits.stepOutputBytes) {
          throw new HttpError(
            413,
            `the output of step "${name}" is larger than ${limits.stepOutputBytes} bytes`,
          );
        }
        recordStep(engine, run, step, { data: op.data ?? null });
      } else if (op.op === "StepFailed") {
        recordStep(engine, run, step, { error: toWireError(op.error ?? op.data) });
      } else {
        throw new HttpError(501, `a checkpoint of ${op.op} is not part of the local engine yet`);
      }
    }
  });
  return { json: {} };
}
