import { countGeneration, deleteCodeFiles, lockGone } from "../../data/code-files.server.ts";
import { type IndexCounts, lockIndexing, publishCodeIndex } from "../../data/code-index.server.ts";
import { readRepo } from "../../data/repos.server.ts";
import { type Tx, transaction } from "../../data/transaction.server.ts";
import { Unavailable } from "../../errors.ts";
import { deleteVectors, namespaces, pendingVectors } from "../../upstash/vector.ts";
import { codeVectorIds } from "../keys.ts";
import { CODE_INDEX_VERSION } from "../version.ts";
import type { IndexJob } from "./job.ts";
import type { Skipped } from "./plan.ts";

/** Versions of files that are removed in one transaction, and how many of those make a step. */
const GONE_PER_WRITE = 200;
const WRITES_PER_STEP = 25;
const IDS_PER_DELETE = 1000;

export type Published =
  | ({ readonly outcome: "indexed"; readonly commitSha: string } & IndexCounts)
  | { readonly outcome: "superseded" };

/** How many written vectors of the repository cannot be found yet. Upstash indexes shortly after it has answered. */
export async function pendingCode({ projectId, repoId }: IndexJob): Promise<number> {
  return await pendingVectors(namespaces.repo(projectId, repoId));
}

/**
 * Makes the commit the one that is searched, all of it at once, unless another one is being indexed by now. Can be repeated:
 * says the same of a commit that is searched already, so that what is gone is removed also when the first answer was lost.
 * Throws Unavailable when vectors are missing, which a repeat of the whole brings about.
 */
export async function publishIndex(job: IndexJob, skipped: Skipped): Promise<Published> {
  const { repoId, commitSha } = job;
  return await transaction(async (tx) => {
    const repo = await lockIndexing(job, tx);
    if (!repo) return await publishedBefore(job, tx);
    const generation = repo.indexGeneration + 1;
    const groups = await countGeneration({ repoId, generation }, tx);
    if (groups.some(({ pending }) => pending > 0)) {
      throw new Unavailable("index_incomplete", `The index of ${repoId} is not complete yet.`);
    }
    const counts = countsOf(groups, skipped);
    const version = CODE_INDEX_VERSION;
    await publishCodeIndex({ repoId, commitSha, generation, version, counts }, tx);
    return { outcome: "indexed", commitSha, ...counts };
  });
}

async function publishedBefore(job: IndexJob, tx: Tx): Promise<Published> {
  const { commitSha } = job;
  const repo = await readRepo(job, tx);
  const ended = repo?.indexingCommit === null && repo.indexError === null;
  if (!ended || repo.indexedCommit !== commitSha || repo.indexCounts === null)
    return { outcome: "superseded" };
  return { outcome: "indexed", commitSha, ...repo.indexCounts };
}

function countsOf(
  groups: Awaited<ReturnType<typeof countGeneration>>,
  skipped: Skipped,
): IndexCounts {
  const all: Record<string, number> = { ...skipped };
  let [files, chunks] = [0, 0];
  for (const group of groups) {
    chunks += group.chunks;
    if (group.skipped === null) files += group.files;
    else all[group.skipped] = (all[group.skipped] ?? 0) + group.files;
  }
  return { files, chunks, skipped: all };
}

/**
 * Removes versions of files that are searched no longer, vectors before rows, so that what dies in between is found again.
 * Their rows are locked meanwhile: a version that comes back waits, and is then written anew.
 */
export async function retireGone({
  projectId,
  repoId,
}: Pick<IndexJob, "projectId" | "repoId">): Promise<{ retired: number; more: boolean }> {
  const namespace = namespaces.repo(projectId, repoId);
  let retired = 0;
  for (let write = 0; write < WRITES_PER_STEP; write++) {
    const count = await transaction(async (tx) => {
      const files = await lockGone({ repoId, limit: GONE_PER_WRITE }, tx);
      if (files.length === 0) return 0;
      const ids = files.flatMap(codeVectorIds);
      for (let from = 0; from < ids.length; from += IDS_PER_DELETE) {
        await deleteVectors(namespace, ids.slice(from, from + IDS_PER_DELETE));
      }
      await deleteCodeFiles({ repoId, keys: files.map(({ key }) => key) }, tx);
      return files.length;
    });
    retired += count;
    if (count < GONE_PER_WRITE) return { retired, more: false };
  }
  return { retired, more: true };
}
