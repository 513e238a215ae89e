import type { Wish } from "../effects/wish.ts";
import { pullBody } from "./pull-body.ts";
import { basisOf, branchOf, inputOf, patchOf, reportOf } from "./work.ts";

/** The commit on a branch of its own, and the pull request for it: one plan, since neither is any use alone. */
export async function pushWishes(runId: string): Promise<Wish[]> {
  const [input, basis, patch, report] = await Promise.all([
    inputOf(runId),
    basisOf(runId),
    patchOf(runId),
    reportOf(runId),
  ]);
  const { owner, repo, baseBranch, base } = basis;
  const { title, brief } = input;
  const where = { owner, repo, branch: branchOf(runId) };
  const message = [title, brief, `Countersign-Run: ${runId}`].filter(Boolean).join("\n\n");
  const body = pullBody({ runId, input, basis, patch, report });
  const { tree, patchset } = patch;
  return [
    {
      ...{ stepId: "push", kind: "repo.push", exhibit: patch.artifact.artifactId },
      params: { ...where, base, tree, message, patchset },
    },
    { stepId: "pull", kind: "repo.pull", params: { ...where, baseBranch, title, body } },
  ];
}
