import { sql } from "drizzle-orm";
import { closeDb, db } from "#db/client.ts";
import { codeFiles, projects, repos } from "#db/schema.ts";
import {
  type CodeFile,
  listPending,
  markCodeIndexed,
  setChunkCounts,
} from "#lib/data/code-files.server.ts";
import { beginCodeIndex } from "#lib/data/code-index.server.ts";
import { planGeneration, wantedFiles } from "#lib/repos/indexing/plan.ts";
import { publishIndex } from "#lib/repos/indexing/publish.ts";
import { countsOf, readAndChunk } from "#lib/repos/indexing/read.ts";
import { reportFigures, timed } from "../figures.ts";
import { watchMemory } from "../process-memory.ts";

/** Reads, chunks and hashes a whole repository; then the same commit again; then one that changes ten files. */
const [dir = "", first = "", second = ""] = process.argv.slice(2);
const projectId = "bench";
const repoId = "repo_bench";
const memory = watchMemory();

await db()
  .insert(projects)
  .values({ id: projectId, ownerUserId: "o", name: "bench", slug: "bench" });
await db()
  .insert(repos)
  .values({
    ...{ id: repoId, projectId, owner: "o", name: "bench", defaultBranch: "main" },
    ...{ htmlUrl: "https://example.com", cloneUrl: "https://example.com" },
  });

let bytes = 0;
let chunks = 0;
let files = 0;

/** What index-repo does with a commit, without fetching it and without writing vectors. */
async function index(commitSha: string): Promise<number> {
  const job = { projectId, repoId, commitSha };
  await beginCodeIndex(job);
  const plan = await planGeneration(job, await wantedFiles(dir, commitSha));
  if (plan.outcome !== "planned") throw new Error(plan.outcome);
  if (plan.pending > 0) await read(job);
  const published = await publishIndex(job, plan.skipped);
  if (published.outcome !== "indexed") throw new Error(published.outcome);
  return plan.added;
}

async function read(job: { repoId: string; commitSha: string }): Promise<void> {
  let group: { key: string; chunkCount: number; skipped: string | null }[] = [];
  const flush = async () => {
    await setChunkCounts({ ...job, files: group });
    await markCodeIndexed({ repoId, keys: group.map(({ key }) => key) });
    group = [];
  };
  for await (const { key, chunked } of readAndChunk(dir, pending())) {
    files++;
    chunks += chunked.chunks?.length ?? 0;
    for (const { text } of chunked.chunks ?? []) bytes += text.length;
    group.push({ key: key.key, ...countsOf(chunked) });
    if (group.length === 500) await flush();
  }
  await flush();
}

async function* pending() {
  let after: CodeFile | undefined;
  for (let more = true; more; ) {
    const rows = await listPending({ repoId, after, limit: 500 });
    yield* rows;
    after = rows.at(-1);
    more = rows.length === 500;
  }
}

const allMs = await timed(() => index(first));
const [allFiles, allBytes, allChunks] = [files, bytes, chunks];
const { peakMb, peakDistinctMb } = memory.peak();
let added = 0;
const sameMs = await timed(async () => {
  added = await index(first);
});
files = 0;
const tenMs = await timed(() => index(second));
const [{ rows = 0 } = {}] = await db().select({ rows: sql<number>`count(*)::int` }).from(codeFiles);
await closeDb();
reportFigures({
  ...{ allMs, allFiles, allBytes, allChunks, peakMb, peakDistinctMb, sameMs, added },
  ...{ tenMs, tenFiles: files, rows },
});
