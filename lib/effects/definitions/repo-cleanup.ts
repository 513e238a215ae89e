import * as z from "zod";
import { errorMessage } from "../../errors.ts";
import { commitSha } from "../../events/catalogue/fields.ts";
import { branchHead, deleteBranch, type RepoName } from "../../github/branches.ts";
import { readRepository } from "../../github/repository.ts";
import { type EffectDefinition, EffectMoved } from "../definition.ts";
import { effectError, GITHUB, inRepository, repositoryOf } from "./github.ts";
import { refusalStatus } from "./provider.ts";

const params = z.strictObject({ ...inRepository, head: commitSha });
type Cleanup = z.infer<typeof params>;

/** The removal of a run's branch, as long as it is where it was. Gone is gone, whoever did it. */
export const repoCleanup: EffectDefinition<Cleanup> = {
  ...GITHUB,
  kind: "repo.cleanup",
  findsAbsence: true,
  scope: "repo.merge",
  params,
  intent: ({ branch, head, ...name }) => ({ repository: repositoryOf(name), branch, head }),
  summary: ({ branch, ...name }) => `Remove the branch ${branch} of ${repositoryOf(name)}.`,

  async find({ params: { owner, repo, branch }, signal }) {
    const name = { owner, repo };
    return (await headUnlessGone(name, branch, signal)) === null ? gone(branch) : null;
  },

  async perform({ params: { owner, repo, branch, head }, signal }) {
    const name = { owner, repo };
    try {
      const now = await headUnlessGone(name, branch, signal);
      if (now === null) return gone(branch);
      if (now !== head) {
        throw new EffectMoved("branch_moved", `${branch} is at ${now}, and ${head} was approved.`);
      }
      await deleteBranch(name, branch, signal);
      return gone(branch);
    } catch (error) {
      // Removed before, by us or by somebody: what a read shows may come late, the refusal does not.
      const missing = refusalStatus(error) === 422 && /does not exist/i.test(errorMessage(error));
      if (missing) return gone(branch);
      throw effectError(error);
    }
  },
};

const gone = (branch: string) => ({ id: `refs/heads/${branch}` });

/** Null when the branch is gone. Throws NotFound when the repository is not to be seen: its branches only look as if they were gone. */
async function headUnlessGone(
  name: RepoName,
  branch: string,
  signal: AbortSignal,
): Promise<string | null> {
  const head = await branchHead(name, branch, signal);
  if (head === null) await readRepository(name, signal);
  return head;
}
