import type { GetStepTools } from "inngest";
import { getJson } from "../blob/json.ts";
import { checkKey, projectPrefix } from "../blob/port.ts";
import { sha256 } from "../canonical.ts";
import { beginStep, endStep, type RunStep, succeededStep } from "../data/run-steps.server.ts";
import { Conflict, errorMessage } from "../errors.ts";
import type { inngest } from "../events/client.ts";
import { putProjectJson } from "../projects/blobs.ts";
import { redactJson } from "../redact.ts";

type Step = Pick<GetStepTools<typeof inngest>, "run">;

/** For whom steps are recorded: our run, the engine's run that works on it, and the phase they belong to. */
export interface Recorder {
  readonly step: Step;
  readonly projectId: string;
  readonly runId: string;
  readonly inngestRunId: string;
  readonly phase: string;
}

/** Outputs above this are kept as a blob, and the row says where. */
const MAX_ROW_BYTES = 64 * 1024;

/**
 * A step that is also in our own ledger: `step.run`, but one that has succeeded once is never run again, also when the
 * engine has forgotten the run and it is resumed. Two statements; the first also makes sure that the run has not ended
 * and is still ours, so that a canceled run does nothing more. `inputs` and the output are JSON, ids and counts, never
 * secrets; what looks like one is stored redacted. When two tries of it work at once, the output of the first to succeed is that of both.
 * Throws Conflict when the run is not ours any more, and whatever `body` throws, after it was written down.
 */
export async function recordStep<T>(
  recorder: Recorder,
  step: { id: string; kind: string; inputs?: unknown },
  body: () => Promise<T>,
): Promise<T> {
  const { runId, inngestRunId, phase } = recorder;
  const stepId = `${phase}/${step.id}`;
  const output = await recorder.step.run(step.id, async () => {
    const key = { runId, inngestRunId, stepId };
    const begun = await beginStep({
      ...key,
      stepName: step.id,
      kind: step.kind,
      inputs: step.inputs,
    });
    if (!begun) throw notOurs(runId);
    if (begun.status === "succeeded") return (await outputOf(begun)) as T;
    let failure: unknown;
    try {
      const result = await body();
      if (await endStep(key, await storable(result, recorder, stepId))) return result;
      failure = notOurs(runId);
    } catch (error) {
      if (await endStep(key, { error: errorMessage(error) })) throw error;
      failure = error;
    }
    // The engine sends a step again while its first try still works: what all others go by is what the ledger has.
    const first = await succeededStep(key);
    if (!first) throw failure;
    return (await outputOf(first)) as T;
  });
  return output as T;
}

function notOurs(runId: string): Conflict {
  return new Conflict("run_not_ours", `The run ${runId} has ended or is worked on elsewhere.`);
}

/** Where a large output is kept: by its content too, so that no other try of the step writes over it. The step's id may hold what no key may. */
function outputKey({ projectId, runId }: Recorder, stepId: string, json: string): string {
  const name = `${sha256(stepId)}-${sha256(json)}`;
  return checkKey(`${projectPrefix(projectId)}/runs/${runId}/steps/${name}.json`);
}

/** The output as its row holds it: itself, or as a blob when it is large. */
async function storable(
  result: unknown,
  recorder: Recorder,
  stepId: string,
): Promise<{ outputs: unknown } | { outputRef: string }> {
  const outputs = redactJson(result ?? null);
  const json = JSON.stringify(outputs);
  if (Buffer.byteLength(json) <= MAX_ROW_BYTES) return { outputs };
  const key = outputKey(recorder, stepId, json);
  await putProjectJson(recorder.projectId, key, outputs);
  return { outputRef: key };
}

/** What a step has come to, wherever that is kept. */
export async function outputOf({
  outputs,
  outputRef,
}: Pick<RunStep, "outputs" | "outputRef">): Promise<unknown> {
  return outputRef === null ? outputs : await getJson(outputRef);
}
