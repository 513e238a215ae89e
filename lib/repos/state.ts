import type { Repo } from "../data/repos.server.ts";

/** How far the code index of a repository is, as a client sees it. */
export function indexState(repo: Repo) {
  const { indexedCommit, indexingCommit, indexedAt, indexError: error, indexCounts } = repo;
  const { files, chunks, skipped } = indexCounts ?? { files: 0, chunks: 0, skipped: {} };
  const idle = indexedCommit === null ? ("none" as const) : ("indexed" as const);
  const state = indexingCommit !== null ? "indexing" : error !== null ? "failed" : idle;
  const at = indexedAt?.toISOString() ?? null;
  return { state, commitSha: indexedCommit, indexingCommit, at, error, files, chunks, skipped };
}
