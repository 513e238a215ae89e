import {
  type CodeFile,
  listPending,
  markCodeIndexed,
  setChunkCounts,
} from "../../data/code-files.server.ts";
import { deleteVectors, namespaces, upsertTexts, type VectorText } from "../../upstash/vector.ts";
import type { Done } from "../chunk/threads.ts";
import { codeVectorId, codeVectorIds } from "../keys.ts";
import { recordFailure } from "./failure.ts";
import { type IndexJob, withCommit } from "./job.ts";
import { countsOf, readAndChunk } from "./read.ts";

/** What a step goes on for before it leaves the rest to the next one, in milliseconds: a killed one repeats no more. */
const STEP_MS = 20_000;
/** A few seconds of embedding. */
const TEXTS_PER_WRITE = 64;
const FILES_PER_WRITE = 64;
const ROWS_PER_READ = 500;

export type Written =
  | {
      readonly outcome: "written";
      readonly files: number;
      readonly texts: number;
      readonly more: boolean;
    }
  | { readonly outcome: "superseded" }
  | { readonly outcome: "refused"; readonly reason: string };

type Ready = Done<CodeFile>;

/** Writes the vectors of files that have none yet, for some 20 seconds. What was written already is not written again. */
export async function writeVectors(job: IndexJob): Promise<Written> {
  const until = performance.now() + STEP_MS;
  try {
    const written = await withCommit(job, (dir) => writeUntil(job, { dir, until }));
    return written === null ? { outcome: "superseded" } : { outcome: "written", ...written };
  } catch (error) {
    return await recordFailure(job, error);
  }
}

async function writeUntil(
  job: IndexJob,
  { dir, until }: { dir: string; until: number },
): Promise<{ files: number; texts: number; more: boolean }> {
  const done = { files: 0, texts: 0 };
  let group: Ready[] = [];
  let texts = 0;
  const flush = async () => {
    await writeGroup(job, group);
    done.files += group.length;
    done.texts += texts;
    group = [];
    texts = 0;
  };
  for await (const ready of readAndChunk(dir, pendingFiles(job.repoId))) {
    group.push(ready);
    texts += ready.chunked.chunks?.length ?? 0;
    if (texts < TEXTS_PER_WRITE && group.length < FILES_PER_WRITE) continue;
    await flush();
    if (performance.now() > until) return { ...done, more: true };
  }
  await flush();
  return { ...done, more: false };
}

async function* pendingFiles(repoId: string): AsyncGenerator<CodeFile, void, undefined> {
  let after: CodeFile | undefined;
  for (;;) {
    const rows = await listPending({ repoId, after, limit: ROWS_PER_READ });
    yield* rows;
    after = rows.at(-1);
    if (rows.length < ROWS_PER_READ) return;
  }
}

/**
 * Writes some files' vectors: first how many there will be, then they themselves, then that they are there. A file that went
 * meanwhile, with its repository or its project, loses them again: rows are the truth.
 */
async function writeGroup(job: IndexJob, group: readonly Ready[]): Promise<void> {
  if (group.length === 0) return;
  const { repoId, commitSha, projectId } = job;
  const files = group.map(({ key: { key }, chunked }) => ({ key, ...countsOf(chunked) }));
  const own = new Set(await setChunkCounts({ repoId, commitSha, files }));
  const mine = group.filter(({ key }) => own.has(key.key));
  const namespace = namespaces.repo(projectId, repoId);
  const texts = mine.flatMap((ready) => textsOf(job, ready));
  for (let from = 0; from < texts.length; from += TEXTS_PER_WRITE) {
    await upsertTexts(namespace, texts.slice(from, from + TEXTS_PER_WRITE));
  }
  const there = new Set(await markCodeIndexed({ repoId, keys: [...own] }));
  const orphans = files.filter(({ key }) => own.has(key) && !there.has(key)).flatMap(codeVectorIds);
  for (let from = 0; from < orphans.length; from += 1000) {
    await deleteVectors(namespace, orphans.slice(from, from + 1000));
  }
}

function textsOf({ projectId, repoId }: IndexJob, { key: file, chunked }: Ready): VectorText[] {
  const { key, path, language, commitSha } = file;
  return (chunked.chunks ?? []).map(({ text: data, lineStart, lineEnd }, ordinal) => ({
    id: codeVectorId(key, ordinal),
    data,
    metadata: {
      ...{ projectId, type: "code", repoId, path, language, commitSha },
      ...{ chunkStart: lineStart, chunkEnd: lineEnd },
    },
  }));
}
