import { readRepo } from "../../data/repos.server.ts";
import { openCommit } from "../../github/checkout.ts";

/** One commit of a repository that is being indexed. */
export interface IndexJob {
  readonly projectId: string;
  readonly repoId: string;
  readonly commitSha: string;
}

/**
 * Gives `work` a bare repository that has the job's commit. Null when the repository is not connected any more, or another
 * commit is being indexed. Throws what fetching throws.
 */
export async function withCommit<T>(
  job: IndexJob,
  work: (dir: string) => Promise<T>,
): Promise<T | null> {
  const repo = await readRepo(job);
  if (repo?.indexingCommit !== job.commitSha) return null;
  await using repository = await openCommit({ cloneUrl: repo.cloneUrl, commitSha: job.commitSha });
  return await work(repository.dir);
}
