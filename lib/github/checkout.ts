import { requiredEnv } from "../env.ts";
import { fetchCommit } from "../git/fetch.ts";
import { openRepository, type Repository } from "../git/workspace.ts";

/** A bare repository of its own that has one commit of GitHub's, until it is disposed of. Throws what fetching throws. */
export async function openCommit(commit: {
  cloneUrl: string;
  commitSha: string;
}): Promise<Repository> {
  const token = requiredEnv("GITHUB_TOKEN");
  const repository = await openRepository();
  try {
    await fetchCommit({ ...commit, token, dir: repository.dir });
    return repository;
  } catch (error) {
    await repository[Symbol.asyncDispose]();
    throw error;
  }
}
