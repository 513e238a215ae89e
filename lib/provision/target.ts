import { readRun } from "../data/runs.server.ts";
import { InvalidInput } from "../errors.ts";
import { basisOf, inputOf } from "../implementation/work.ts";
import type { Target } from "./decide.ts";

/** What a run deploys, and where. Throws InvalidInput (`no_deploy`) when its input does not say so. */
export async function targetOfRun(runId: string): Promise<Target & { baseBranch: string }> {
  const [{ projectId }, { deploy }, basis] = await Promise.all([
    readRun({ id: runId }),
    inputOf(runId),
    basisOf(runId),
  ]);
  if (!deploy) throw new InvalidInput("no_deploy", `The run ${runId} does not deploy anything.`);
  const { owner, repo, baseBranch } = basis;
  return { projectId, runId, repository: `${owner}/${repo}`, deploy, baseBranch };
}
