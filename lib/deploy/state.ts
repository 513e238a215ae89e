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

/** Which build of a run is the next one: once more than there are that cannot be used. */
export function nextBuild(deployments: readonly Deployment[]): number {
  const unusable = deployments.filter(
    ({ status, metadata }) => ENDED_BADLY.includes(status) || metadata.unusable !== undefined,
  );
  return unusable.length + 1;
}

/** The newest promotion of a run that was planned, and its place among them; null before the first. */
export function lastPromotion(effects: readonly Effect[]): { n: number; effect: Effect } | null {
  const all = effects.flatMap((effect) => {
    const [, n] = /^promote-(\d+)$/.exec(effect.stepId) ?? [];
    return n === undefined ? [] : { n: Number(n), effect };
  });
  return all.toSorted((a, b) => a.n - b.n).at(-1) ?? null;
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
