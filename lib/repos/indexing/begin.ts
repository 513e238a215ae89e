import { beginCodeIndex } from "../../data/code-index.server.ts";
import { type Repo, readRepo } from "../../data/repos.server.ts";
import { InvalidInput } from "../../errors.ts";
import { branchHead } from "../../github/branches.ts";
import { CODE_INDEX_VERSION } from "../version.ts";
import { recordFailure } from "./failure.ts";

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
    if (head === null) return await noBranch(repo);
    const current = repo.indexedCommit === head && repo.indexVersion === CODE_INDEX_VERSION;
    if (current && repo.indexingCommit === null && repo.indexError === null) {
      return { outcome: head === push.commitSha ? "unchanged" : "behind", commitSha: head };
    }
    await beginCodeIndex({ repoId: repo.id, commitSha: head });
    return { outcome: "begun", commitSha: head };
  } catch (error) {
    return await recordFailure(push, error);
  }
}

function isDefault(repo: Repo, ref: string): boolean {
  return ref === repo.defaultBranch || ref === `refs/heads/${repo.defaultBranch}`;
}

async function noBranch(repo: Repo): Promise<Begun> {
  const { projectId, id: repoId, owner, name, defaultBranch } = repo;
  const what = `${owner}/${name} has no branch ${defaultBranch} any more: connect it again.`;
  return await recordFailure({ projectId, repoId }, new InvalidInput("branch_not_found", what));
}
