import { beginCodeIndex } from "../../data/code-index.server.ts";
import { type Repo, readRepo } from "../../data/repos.server.ts";
import { InvalidInput } from "../../errors.ts";
import { branchHead } from "../../github/branches.ts";
import { CODE_INDEX_VERSION } from "../version.ts";
import { recordFailure, refusal } from "./failure.ts";

const TIMEOUT_MS = 20_000;

export type Begun =
  | { readonly outcome: "begun"; readonly commitSha: string }
  /** `behind`: GitHub still names an older commit than the push, which may be a read that is late. */
  | { readonly outcome: "unchanged" | "behind"; readonly commitSha: string }
  | { readonly outcome: "ignored" | "gone" | "refused"; readonly reason: string };

/**
 * Decides what is to be indexed after a push: the commit that the default branch is at now, whatever the push said, so that
 * pushes that come late, twice or out of order end at the same. Throws what may pass: Unavailable, Later.
 */
export async function beginIndex(push: {
  readonly projectId: string;
  readonly repoId: string;
  readonly ref: string;
  readonly commitSha: string;
}): Promise<Begun> {
  const repo = await readRepo(push);
  if (!repo) return { outcome: "gone", reason: "The repository is not connected." };
  if (!isDefault(repo, push.ref)) {
    return { outcome: "ignored", reason: `The default branch is ${repo.defaultBranch}.` };
  }
  const name = { owner: repo.owner, repo: repo.name };
  try {
    const head = await branchHead(name, repo.defaultBranch, AbortSignal.timeout(TIMEOUT_MS));
    if (head === null) throw noBranch(repo);
    if (isIndexed(repo, head)) {
      return { outcome: head === push.commitSha ? "unchanged" : "behind", commitSha: head };
    }
    await beginCodeIndex({ repoId: repo.id, commitSha: head });
    return { outcome: "begun", commitSha: head };
  } catch (error) {
    // Nothing newer is known of, so nothing has failed: a token that is not good for an hour must not mark all that are looked at.
    if (isIndexed(repo, push.commitSha)) return refusal(push, error);
    return await recordFailure(push, error);
  }
}

/** Whether the commit is what is searched, and nothing is under way or failed since. */
function isIndexed(repo: Repo, commitSha: string): boolean {
  const current = repo.indexedCommit === commitSha && repo.indexVersion === CODE_INDEX_VERSION;
  return current && repo.indexingCommit === null && repo.indexError === null;
}

function isDefault(repo: Repo, ref: string): boolean {
  return ref === repo.defaultBranch || ref === `refs/heads/${repo.defaultBranch}`;
}

function noBranch({ owner, name, defaultBranch }: Repo): InvalidInput {
  const what = `${owner}/${name} has no branch ${defaultBranch} any more: connect it again.`;
  return new InvalidInput("branch_not_found", what);
}
