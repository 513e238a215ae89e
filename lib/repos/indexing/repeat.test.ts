import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { repos } from "#db/schema.ts";
import { markCodeIndexed, setChunkCounts } from "#lib/data/code-files.server.ts";
import { beginCodeIndex, failCodeIndex } from "#lib/data/code-index.server.ts";
import { createProject } from "#lib/data/projects.server.ts";
import { type TestDatabase, testDatabase } from "../../../test/setup/database.ts";
import { planGeneration } from "./plan.ts";
import { publishIndex } from "./publish.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  await createProject({ id: "p", ownerUserId: "o", name: "P", slug: "p" });
});
afterAll(() => database.close());

const keys = ["k1", "k2", "k3"];
const read = {
  files: keys.map((key) => ({ key, path: `${key}.ts`, blobSha: "b", language: "typescript" })),
  skipped: { binary: 2 },
};

/** A repository that is being indexed at a commit. */
async function begun(repoId: string) {
  const facts = { owner: "o", name: repoId, defaultBranch: "main", htmlUrl: "h", cloneUrl: "c" };
  await db()
    .insert(repos)
    .values({ id: repoId, projectId: "p", ...facts });
  const job = { projectId: "p", repoId, commitSha: "c0ffee" };
  await beginCodeIndex(job);
  return job;
}

async function written(job: { repoId: string; commitSha: string }, some: string[]): Promise<void> {
  const files = some.map((key) => ({ key, chunkCount: 1, skipped: null }));
  await setChunkCounts({ ...job, files });
  await markCodeIndexed({ repoId: job.repoId, keys: some });
}

test("a plan that is made again says what is still to be written, whoever has planned it", async () => {
  const job = await begun("r1");
  expect(await planGeneration(job, read)).toMatchObject({ added: 3, pending: 3 });
  expect(await planGeneration(job, read)).toMatchObject({ added: 0, pending: 3 });
  await written(job, ["k1", "k2"]);
  expect(await planGeneration(job, read)).toMatchObject({ added: 0, pending: 1 });
  // What is wanted no more is not written either.
  const less = { ...read, files: read.files.slice(0, 2) };
  expect(await planGeneration(job, less)).toMatchObject({ added: 0, gone: 1, pending: 0 });
});

test("a commit that is published again is as it was said to be, unless it failed since or another one began", async () => {
  const job = await begun("r2");
  await planGeneration(job, read);
  await expect(publishIndex(job, read.skipped)).rejects.toMatchObject({ code: "index_incomplete" });
  await written(job, keys);
  const published = await publishIndex(job, read.skipped);
  expect(published).toMatchObject({ outcome: "indexed", files: 3, skipped: { binary: 2 } });
  expect(await publishIndex(job, read.skipped)).toEqual(published);
  const superseded = { outcome: "superseded" };
  await beginCodeIndex({ ...job, commitSha: "beef" });
  expect(await publishIndex(job, read.skipped)).toEqual(superseded);
  await failCodeIndex({ ...job, error: "It has no branch main any more." });
  expect(await publishIndex(job, read.skipped)).toEqual(superseded);
});
