import { type Deployment, deploymentsOfRun } from "../data/deployments.server.ts";
import { effectsOfRun } from "../data/effect-lists.server.ts";
import type { Effect } from "../data/effects.server.ts";
import { Conflict } from "../errors.ts";

/** States of a deployment that never serves anything. */
const ENDED_BADLY: readonly string[] = ["error", "canceled"];

/** The steps by which the effects of deployments are told apart; `n` from 1: a resumed run builds and promotes anew. */
export const deployStep = (n: number) => `deploy-${n}`;
export const promoteStep = (n: number) => `promote-${n}`;
export const rollbackStep = (n: number) => `rollback-${n}`;

/** How often a run has to build: once more than it has failed to. */
export function nextBuild(deployments: readonly Deployment[]): number {
  return deployments.filter(({ status }) => ENDED_BADLY.includes(status)).length + 1;
}

/** Which promotion of a run this is: one more than what production has gone back from. */
export function nextPromotion(effects: readonly Effect[]): number {
  const back = effects.filter(
    ({ kind, status }) => kind === "vercel.rollback" && status === "confirmed",
  );
  return back.length + 1;
}

/** The newest deployment of a run. Throws Conflict when it has none. */
export async function deploymentOf(runId: string): Promise<Deployment> {
  const newest = (await deploymentsOfRun({ runId })).at(-1);
  if (newest) return newest;
  throw new Conflict("not_deployed", `The run ${runId} has not deployed anything.`);
}

/** The commit that a run has merged. Throws Conflict when it has not. */
export async function mergedBy(runId: string): Promise<string> {
  const merge = (await effectsOfRun({ runId })).find(({ stepId }) => stepId === "merge");
  if (merge?.status === "confirmed" && merge.externalId !== null) return merge.externalId;
  throw new Conflict("not_merged", `The run ${runId} has not merged anything.`);
}
