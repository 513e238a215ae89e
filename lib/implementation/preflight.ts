import { MAIN } from "../artifacts/kinds.ts";
import { artifactVersion, getLatestArtifact } from "../data/artifacts.server.ts";
import { findRepo } from "../data/repos.server.ts";
import { requiredEnv } from "../env.ts";
import { InvalidInput } from "../errors.ts";
import { branchHead } from "../github/branches.ts";
import { modelTarget } from "../model/target.ts";
import { preflightDeploy } from "../provision/preflight.ts";
import type { RepositoryInput } from "./input.ts";
import { type Basis, inputOf, type RunIds } from "./work.ts";

const TIMEOUT_MS = 10_000;

/**
 * Looks whether a run can be done at all, before any of it is: the repository is connected, its branch is there, the artifacts
 * that are named exist, there is a token for GitHub, a model where one is to make the change, and what a deployment needs. Throws InvalidInput that says what is missing.
 */
export async function preflight({ projectId, runId }: RunIds): Promise<Basis> {
  const input = await inputOf(runId);
  const [owner = "", repo = ""] = input.repository.split("/");
  const row = await findRepo({ projectId, owner, name: repo });
  if (!row) {
    const what = `Connect ${input.repository} to the project first: send repo.connected.`;
    throw new InvalidInput("repo_not_connected", what);
  }
  requiredEnv("GITHUB_TOKEN");
  if (input.changes.from === "model" && modelTarget() === null) {
    const what =
      "A change from a model needs one: set MODEL, or say the change as files or as a diff.";
    throw new InvalidInput("model_missing", what);
  }
  if (input.deploy) await preflightDeploy(input.deploy, `${row.owner}/${row.name}`);
  const artifacts = await artifactsOf(projectId, input);
  const baseBranch = input.base ?? row.defaultBranch;
  const name = { owner: row.owner, repo: row.name };
  const base = await branchHead(name, baseBranch, AbortSignal.timeout(TIMEOUT_MS));
  if (base === null) {
    throw new InvalidInput("branch_not_found", `${input.repository} has no branch ${baseBranch}.`);
  }
  return { repoId: row.id, ...name, cloneUrl: row.cloneUrl, baseBranch, base, artifacts };
}

async function artifactsOf(
  projectId: string,
  { artifacts }: RepositoryInput,
): Promise<Basis["artifacts"]> {
  return await Promise.all(
    artifacts.map(async ({ kind, logicalKey = MAIN, version }) => {
      const key = { projectId, kind, logicalKey };
      const found =
        version === undefined
          ? await getLatestArtifact(key)
          : await artifactVersion({ ...key, version });
      if (found) return { id: found.id, kind, logicalKey, version: found.version };
      const which = version === undefined ? "" : ` in version ${version}`;
      const what = `The project has no artifact ${kind} / ${logicalKey}${which}.`;
      throw new InvalidInput("artifact_not_found", what);
    }),
  );
}
