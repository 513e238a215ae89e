import { effectsOfRun } from "../data/effect-lists.server.ts";
import type { Wish } from "../effects/wish.ts";
import { Conflict, NotFound } from "../errors.ts";
import { branchHead } from "../github/branches.ts";
import { basisOf, branchOf, inputOf, nameOf } from "./work.ts";

const TIMEOUT_MS = 10_000;

export interface Opened {
  readonly number: number;
  /** Of the effect that opened it. */
  readonly effectId: string;
  /** The commit that was verified and pushed. */
  readonly verified: string;
}

/** The pull request that a run has opened, and the commit that it pushed for it. Throws Conflict when it has not. */
export async function openedBy(runId: string): Promise<Opened> {
  const rows = await effectsOfRun({ runId });
  const done = (stepId: string) => rows.find((row) => row.stepId === stepId && row.confirmedAt);
  const push = done("push");
  const pull = done("pull");
  if (!push?.externalId || !pull?.externalId) {
    throw new Conflict("pull_not_opened", `The run ${runId} has not opened a pull request.`);
  }
  const number = Number(pull.externalId);
  return { number, effectId: pull.id, verified: push.externalId };
}

/** The merge at exactly the head whose checks have passed, into the base as it is now, and then the branch's removal. */
export async function mergeWishes(runId: string, headSha: string): Promise<Wish[]> {
  const [input, basis, opened] = await Promise.all([
    inputOf(runId),
    basisOf(runId),
    openedBy(runId),
  ]);
  const { owner, repo, baseBranch } = basis;
  const base = await branchHead(nameOf(basis), baseBranch, AbortSignal.timeout(TIMEOUT_MS));
  if (base === null) throw new NotFound("branch_not_found", `There is no branch ${baseBranch}.`);
  const { number, verified } = opened;
  const where = { owner, repo, branch: branchOf(runId) };
  const what = { number, verified, title: input.title, method: input.merge };
  const merge = { ...where, ...what, head: headSha, baseBranch, base };
  return [
    { stepId: "merge", kind: "repo.merge", params: merge },
    { stepId: "cleanup", kind: "repo.cleanup", params: { ...where, head: headSha } },
  ];
}
