import { InvalidInput } from "../errors.ts";
import { publishOfRun } from "../implementation/artifact.ts";
import type { RunArtifact, RunIds } from "../implementation/work.ts";
import { setRunStatus } from "../runs/life.ts";
import { decideInfra } from "./decide.ts";
import { asksPeople, instructionsText } from "./instructions.ts";
import { missingOf } from "./missing.ts";
import { targetOfRun } from "./target.ts";

const TIMEOUT_MS = 20_000;
/** How long people may take for what they do by hand. */
const DEADLINE_MS = 14 * 24 * 60 * 60_000;

/** Publishes what people have to do; null when there is nothing. */
export async function publishInstructions(ids: RunIds): Promise<RunArtifact | null> {
  const { deploy } = await targetOfRun(ids.runId);
  if (!asksPeople(deploy)) return null;
  return await publishOfRun(ids, "INFRA_INSTRUCTIONS", {
    content: instructionsText(deploy, ids),
    metadata: { project: deploy.project },
  });
}

/** What a look at an app's resources and variables has shown. */
export interface InfraSeen {
  readonly complete: boolean;
  /** Names of resources and variables that are not there yet. */
  readonly missing: readonly string[];
}

/**
 * Looks whether all is there that a deployment needs, and says of the run whether it waits. Throws InvalidInput (`infra_late`)
 * when people have not done their part in two weeks.
 * @param since when this wait began, in ms since the epoch.
 */
export async function lookAtInfra(input: {
  runId: string;
  inngestRunId: string;
  since: number;
}): Promise<InfraSeen> {
  const { since, ...ours } = input;
  const target = await targetOfRun(ours.runId);
  const missing = missingOf(await decideInfra(target, AbortSignal.timeout(TIMEOUT_MS)));
  const complete = missing.length === 0;
  if (!complete && Date.now() - since > DEADLINE_MS) {
    throw new InvalidInput("infra_late", `Nobody has made or set in time: ${missing.join(", ")}.`);
  }
  const waitingFor = missing.join(", ");
  await setRunStatus(
    ours,
    complete ? "running" : "waiting_external",
    complete ? {} : { waitingFor },
  );
  return { complete, missing };
}
