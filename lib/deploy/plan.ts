import { deploymentsOfRun } from "../data/deployments.server.ts";
import { effectsOfRun } from "../data/effect-lists.server.ts";
import { IN_FLIGHT } from "../effects/machine.ts";
import type { Wish } from "../effects/wish.ts";
import { NotFound } from "../errors.ts";
import { targetOfRun } from "../provision/target.ts";
import { readDeployment } from "../vercel/deployments.ts";
import { variablesFor } from "../vercel/environment.ts";
import { type ProjectFacts, readProject } from "../vercel/projects.ts";
import {
  deploymentOf,
  deployStep,
  lastPromotion,
  mergedBy,
  nextBuild,
  promoteStep,
  rollbackStep,
} from "./state.ts";

const TIMEOUT_MS = 20_000;

/** The build of exactly the merged commit, with the variables that are there now. */
export async function deployWishes(runId: string): Promise<Wish[]> {
  const { deploy, repository, baseBranch: ref } = await targetOfRun(runId);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const [sha, deployments, { id: projectId }] = await Promise.all([
    mergedBy(runId),
    deploymentsOfRun({ runId }),
    projectAt(deploy.project, signal),
  ]);
  const [owner = "", repo = ""] = repository.split("/");
  const names = await variablesFor(projectId, "production", signal);
  const variables = names.map((name) => ({ name }));
  const params = { project: deploy.project, projectId, owner, repo, ref, sha, variables };
  return [{ stepId: deployStep(nextBuild(deployments)), kind: "vercel.deployment", params }];
}

/**
 * That production serves what was built; nothing when it does by an earlier promotion of the run. When going back is approved
 * beforehand, it is a second effect of the same plan, kept for the case that production does not answer as it has to.
 */
export async function promoteWishes(runId: string): Promise<Wish[]> {
  const [{ deploy }, deployment, effects] = await Promise.all([
    targetOfRun(runId),
    deploymentOf(runId),
    effectsOfRun({ runId }),
  ]);
  const { project } = deploy;
  const { vercelProjectId: projectId, vercelDeploymentId, deploymentUrl: url } = deployment;
  const last = lastPromotion(effects);
  // What became of it has to be found out first.
  if (last && IN_FLIGHT.includes(last.effect.status)) return [];
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const at = await projectAt(projectId, signal);
  const now = at.productionDeploymentId;
  const done = last?.effect.status === "confirmed";
  if (done && now === vercelDeploymentId) return [];
  const n = done ? last.n + 1 : (last?.n ?? 1);
  const previous = now === vercelDeploymentId ? null : now;
  const sha = await mergedBy(runId);
  const what = { project, projectId, deployment: vercelDeploymentId, sha, url, previous };
  const promote: Wish = {
    ...{ stepId: promoteStep(n), kind: "vercel.promotion" },
    params: { ...what, ...(await served(vercelDeploymentId, signal)), rollback: deploy.rollback },
  };
  if (previous === null || deploy.rollback !== "preapproved") return [promote];
  return [promote, rollbackWish(n, { project, projectId, from: vercelDeploymentId, to: previous })];
}

/** Whether production has served it until now; from that a promotion tells later that somebody has taken it back. */
async function served(deployment: string, signal: AbortSignal) {
  const facts = await readDeployment(deployment, signal);
  return facts && { servedBefore: facts.served };
}

/** That production goes back to what it served before; nothing when it served nothing, or serves something else by now. */
export async function rollbackWishes(runId: string): Promise<Wish[]> {
  const last = lastPromotion(await effectsOfRun({ runId }));
  const { project, projectId, deployment: from, previous: to } = last?.effect.params ?? {};
  if (last?.effect.status !== "confirmed" || typeof to !== "string") return [];
  const at = await projectAt(String(projectId), AbortSignal.timeout(TIMEOUT_MS));
  if (at.productionDeploymentId !== from) return [];
  return [rollbackWish(last.n, { project, projectId, from, to })];
}

function rollbackWish(n: number, params: Wish["params"]): Wish {
  return { stepId: rollbackStep(n), kind: "vercel.rollback", params };
}

async function projectAt(idOrName: string, signal: AbortSignal): Promise<ProjectFacts> {
  const at = await readProject(idOrName, signal);
  if (at) return at;
  throw new NotFound("vercel_project_not_found", `Vercel has no project ${idOrName}.`);
}
