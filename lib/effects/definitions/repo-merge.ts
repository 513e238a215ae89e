import * as z from "zod";
import { errorMessage, Unavailable } from "../../errors.ts";
import { commitSha } from "../../events/catalogue/fields.ts";
import { branchHead, type CommitFacts, type RepoName, readCommit } from "../../github/branches.ts";
import { trailer, withoutTrailer } from "../../github/marker.ts";
import { mergePull, type PullFacts, readPull } from "../../github/pulls.ts";
import {
  EffectDeferred,
  type EffectDefinition,
  EffectMoved,
  EffectRefused,
  type Found,
} from "../definition.ts";
import { effectError, GITHUB, inRepository, repositoryOf } from "./github.ts";
import { refusalStatus } from "./provider.ts";

const mergeParams = z.strictObject({
  ...inRepository,
  number: z.int().min(1),
  head: commitSha,
  baseBranch: z.string().min(1).max(255),
  /** The head of the base branch that the plan was made against. */
  base: commitSha,
  method: z.enum(["merge", "squash"]),
  title: z.string().min(1).max(256),
  /** The commit that this run verified and pushed: a head that is another was made by others. */
  verified: commitSha,
});

type Merge = z.infer<typeof mergeParams>;

/** How long GitHub is given to find out whether a pull request can be merged. */
const UNDECIDED_MS = 2000;

/** The merge of a pull request at exactly this head, into exactly this base. */
export const repoMerge: EffectDefinition<Merge> = {
  ...GITHUB,
  kind: "repo.merge",
  scope: "repo.merge",
  params: mergeParams,
  intent: ({ number, head, baseBranch, base, method, ...name }) => ({
    ...{ repository: repositoryOf(name), pull: number, head, baseBranch, base, method },
  }),
  summary: ({ number, head, verified, baseBranch, method, ...name }) => {
    const what = method === "squash" ? "Squash and merge" : "Merge";
    const other = `, which is NOT the verified commit ${verified.slice(0, 12)}`;
    return `${what} pull request ${number} of ${repositoryOf(name)} into ${baseBranch}, at ${head.slice(0, 12)}${head === verified ? "" : other}.`;
  },

  async find({ marker, params: { owner, repo, number }, signal }) {
    const name = { owner, repo };
    const pull = await readPull(name, number, signal);
    const commit = pull && (await ourMerge(name, pull, marker, signal));
    return pull && commit && mergedAs(name, number, pull, commit);
  },

  async perform({ marker, params, signal }) {
    const { owner, repo, number, head, method, title } = params;
    const name = { owner, repo };
    try {
      const pull = await readPull(name, number, signal);
      if (!pull) throw new EffectRefused("pull_gone", `The pull request ${number} is not there.`);
      if (pull.merged) throw await whose(name, pull, marker, signal);
      requireMergeable(pull, params);
      await requireBase(name, params, signal);
      const message = trailer(marker);
      const merge = { number, sha: head, method, title: `${title} (#${number})`, message };
      const sha = await mergePull(name, merge, signal);
      return mergedAs(name, number, pull, await made(name, sha, signal));
    } catch (error) {
      // Also what GitHub says of one that is merged, which a read that came late has not shown.
      const unclear = refusalStatus(error) === 405 && /not mergeable/i.test(errorMessage(error));
      if (!unclear) throw effectError(error);
      const now = await readPull(name, number, signal);
      if (now?.merged) throw await whose(name, now, marker, signal);
      if (now) requireMergeable(now, params);
      throw error;
    }
  },
};

/** What a merge was: its call names the head alone, so somebody may have pushed to the base in the last moment. */
function mergedAs(name: RepoName, number: number, pull: PullFacts, commit: CommitFacts): Found {
  const [base = "", head = pull.headSha] = commit.parents;
  const method = commit.parents.length > 1 ? "merge" : "squash";
  const { baseBranch, url } = pull;
  const repository = repositoryOf(name);
  return {
    id: commit.sha,
    url,
    intent: { repository, pull: number, head, baseBranch, base, method },
  };
}

/** The commit that a call has made. That it cannot be read says nothing about the call: it is open then, and looked for. */
async function made(name: RepoName, sha: string, signal: AbortSignal): Promise<CommitFacts> {
  try {
    return await readCommit(name, sha, signal);
  } catch (error) {
    throw new Unavailable("merge_not_read", errorMessage(error), {}, error);
  }
}

/** The commit by which an effect of ours merged a pull request; null when none did. */
async function ourMerge(
  name: RepoName,
  { merged, mergeSha }: PullFacts,
  marker: string,
  signal: AbortSignal,
): Promise<CommitFacts | null> {
  if (!merged || mergeSha === null) return null;
  const commit = await readCommit(name, mergeSha, signal);
  return withoutTrailer(commit.message, marker) === null ? null : commit;
}

/** What a pull request that is merged already means: our merge is to be looked for, somebody else's is not ours. */
async function whose(
  name: RepoName,
  pull: PullFacts,
  marker: string,
  signal: AbortSignal,
): Promise<Error> {
  if (await ourMerge(name, pull, marker, signal)) {
    return new Unavailable("pull_is_merged", "The pull request is merged: look for it.");
  }
  return new EffectRefused("pull_merged", `${pull.url} was merged by somebody else.`);
}

/** Throws what the state of an open pull request means for its merge; returns when it can be tried. */
function requireMergeable(pull: PullFacts, { number, head, baseBranch }: Merge): void {
  const it = `The pull request ${number}`;
  if (!pull.open) throw new EffectRefused("pull_closed", `${it} was closed: open it again.`);
  // The call for the merge names no base: it would go into whatever the pull request says by now.
  if (pull.baseBranch !== baseBranch) {
    const what = `${it} is for ${pull.baseBranch} now, and its merge into ${baseBranch} was approved.`;
    throw new EffectRefused("base_changed", what);
  }
  if (pull.headSha !== head) {
    const what = `${it} has the head ${pull.headSha}, and ${head} was approved.`;
    throw new EffectMoved("head_moved", what);
  }
  if (pull.mergeable === null) throw new EffectDeferred(`${it} is being checked.`, UNDECIDED_MS);
  if (!pull.mergeable) {
    const what = `${it} conflicts with ${pull.baseBranch}: resolve it there, or ask for a new run.`;
    throw new EffectRefused("merge_conflict", what);
  }
}

async function requireBase(
  name: RepoName,
  { baseBranch, base }: Merge,
  signal: AbortSignal,
): Promise<void> {
  const now = await branchHead(name, baseBranch, signal);
  if (now === base) return;
  throw new EffectMoved("base_moved", `${baseBranch} is at ${now}, and ${base} was approved.`);
}
