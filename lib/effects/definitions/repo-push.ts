import * as z from "zod";
import { errorMessage, Unavailable } from "../../errors.ts";
import { commitSha } from "../../events/catalogue/fields.ts";
import {
  branchHead,
  commitsSince,
  createBranch,
  createCommit,
  createTree,
  type RepoName,
  readCommit,
} from "../../github/branches.ts";
import { withoutTrailer, withTrailer } from "../../github/marker.ts";
import { getPatchset } from "../../implementation/patchset.ts";
import { type EffectDefinition, EffectRefused } from "../definition.ts";
import { effectError, GITHUB, inRepository, repositoryOf } from "./github.ts";
import { refusalStatus } from "./provider.ts";

const params = z.strictObject({
  ...inRepository,
  /** The commit that the change was made against, the only parent. */
  base: commitSha,
  /** The git id of the whole content: it stands for every file in it. */
  tree: commitSha,
  message: z.string().min(1).max(10_000),
  /** Where the files are kept until they are pushed. */
  patchset: z.string(),
});

type Push = z.infer<typeof params>;

/** One commit on a branch of its own, made through the git data API. Its tree is what was verified, or it is not made. */
export const repoPush: EffectDefinition<Push> = {
  ...GITHUB,
  kind: "repo.push",
  scope: "repo.push",
  params,
  intent: ({ branch, base, tree, message, ...name }) => ({
    ...{ repository: repositoryOf(name), branch, base, tree, message },
  }),
  summary: ({ branch, message, ...name }) =>
    `Push the commit "${message.split("\n")[0]}" to the new branch ${branch} of ${repositoryOf(name)}.`,

  async find({ marker, params: { owner, repo, branch, base }, signal }) {
    const commits = await commitsSince({ owner, repo }, { base, branch }, signal);
    for (const { sha: id, url, message, tree, parents } of commits ?? []) {
      const said = withoutTrailer(message, marker);
      if (said === null) continue;
      const repository = repositoryOf({ owner, repo });
      const intent = { repository, branch, base: parents[0] ?? "", tree, message: said };
      return { id, url, intent };
    }
    return null;
  },

  async perform({
    marker,
    params: { owner, repo, branch, base, tree, message, patchset },
    signal,
  }) {
    const name = { owner, repo };
    const { files } = await getPatchset(patchset);
    try {
      if ((await branchHead(name, branch, signal)) !== null)
        throw await whose(name, branch, marker, signal);
      const made = await createTree(name, { base, files }, signal);
      if (made !== tree) {
        const what = `The files make the tree ${made}, and ${tree} was approved.`;
        throw new EffectRefused("tree_differs", what);
      }
      const text = withTrailer(message, marker);
      const commit = await createCommit(name, { message: text, tree, parent: base }, signal);
      await createBranch(name, { branch, sha: commit.sha }, signal);
      return { id: commit.sha, url: commit.url };
    } catch (error) {
      const exists = refusalStatus(error) === 422 && /already exists/i.test(errorMessage(error));
      throw exists ? await whose(name, branch, marker, signal) : effectError(error);
    }
  },
};

/** What a branch that is there already means: ours is to be looked for, somebody else's is in the way. */
async function whose(
  name: RepoName,
  branch: string,
  marker: string,
  signal: AbortSignal,
): Promise<Error> {
  const head = await branchHead(name, branch, signal);
  const message = head && (await readCommit(name, head, signal)).message;
  if (message && withoutTrailer(message, marker) === null) {
    const what = `There is a branch ${branch} that this run did not make: remove or rename it.`;
    return new EffectRefused("branch_taken", what);
  }
  return new Unavailable("branch_is_there", `The branch ${branch} is there: look for it.`);
}
