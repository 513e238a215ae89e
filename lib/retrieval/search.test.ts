import { hash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { until } from "#local/client.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { freshIndex } from "../../test/setup/vectors.ts";
import { fullTextSearch, insertChunks } from "../data/chunks.server.ts";
import { markIngested } from "../data/file-progress.server.ts";
import { deleteFile, registerUpload } from "../data/files.server.ts";
import { createProject } from "../data/projects.server.ts";
import { newId } from "../ids.ts";
import { EXTRACTION_VERSION as extractionVersion } from "../ingest/document.ts";
import { indexBatch, pendingCount } from "../ingest/indexing.ts";
import { search } from "./search.ts";

const QUERY = "mooring chain";
const rule = (metres: number) => `The mooring chain must be ${metres} metres longer.`;

let database: TestDatabase;
let vectors: Awaited<ReturnType<typeof freshIndex>>;
let projectId: string;
beforeAll(async () => {
  database = await testDatabase();
  vectors = await freshIndex();
  for (const [name, value] of Object.entries(vectors.index)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await vectors.drop();
  await database.close();
});
beforeEach(async () => {
  projectId = newId("project");
  await createProject({ id: projectId, ownerUserId: "ann", name: "P", slug: projectId });
});

/** Bytes under a name, ingested when they are new; returns the file's id. */
async function upload(name: string, ...contents: string[]): Promise<string> {
  const fileId = await indexed(name, contents);
  const found = { format: "markdown", pageCount: null, chunkCount: contents.length };
  await markIngested({ fileId, extractionVersion, ...found });
  return fileId;
}

/** As far as a file is before it is said to be searchable: its chunks and vectors are there. */
async function indexed(name: string, contents: readonly string[]): Promise<string> {
  const sha256 = hash("sha256", contents.join(), "hex");
  const bytes = { sha256, sizeBytes: 1, mimeType: "text/markdown", blobRef: "b" };
  const { file } = await registerUpload({ projectId, name, ...bytes });
  const chunks = contents.map((content, ordinal) => ({
    ...{ id: `${file.id}-${ordinal}`, ordinal, content, breadcrumbs: "", tokenCount: 9 },
    ...{ pageStart: null, pageEnd: null, startOffset: 0, endOffset: content.length },
  }));
  const fileId = file.id;
  await insertChunks({ projectId, fileId, fileSha256: sha256, extractionVersion, chunks });
  while ((await indexBatch({ projectId, fileId })).more);
  await until("vectors", async () => (await pendingCount(projectId)) === 0);
  return fileId;
}

/** What is found by meaning and, which has to be of the same files, by words alone. */
async function found(topK = 10): Promise<string[]> {
  const asked = { projectId, query: QUERY };
  const { hits, warning } = await search({ ...asked, topK, types: ["chunk"] });
  expect(warning).toBeUndefined();
  const words = await fullTextSearch({ ...asked, limit: topK });
  const byWords = words.map(({ chunkId }) => chunkId);
  expect(byWords.sort()).toEqual(hits.flatMap((hit) => "chunkId" in hit && hit.chunkId).sort());
  return hits.map(({ text }) => text).sort();
}

test("a file whose name stands for another is not found until that one is removed", async () => {
  await upload("notes.md", rule(3));
  const newer = await indexed("notes.md", [rule(5)]);
  // While it is read, what was there before is.
  expect(await found()).toEqual([rule(3)]);
  await upload("notes.md", rule(5));
  expect(await found()).toEqual([rule(5)]);
  await deleteFile({ projectId, fileId: newer });
  expect(await found()).toEqual([rule(3)]);
});

test("a file is found as long as one of its names stands for it, and again when its bytes come back", async () => {
  await upload("a.md", rule(3));
  await upload("b.md", rule(3));
  await upload("a.md", rule(4));
  expect(await found()).toEqual([rule(3), rule(4)]);
  await upload("b.md", rule(5));
  expect(await found()).toEqual([rule(4), rule(5)]);
  await upload("a.md", rule(3));
  expect(await found()).toEqual([rule(3), rule(5)]);
});

test("what was replaced takes no place from what is there, however much of it matches best", async () => {
  const chains = Array.from({ length: 150 }, (_, at) => `Mooring chain, mooring chain ${at}.`);
  await upload("notes.md", ...chains);
  await upload("notes.md", "No more of that.");
  const about = Array.from({ length: 4 }, (_, at) => `Of buoys ${at}, which have a mooring.`);
  await upload("buoys.md", ...about, "A chain is heavy.");
  // Nothing that is shown has both words: any of them does.
  const texts = await found(5);
  expect(texts).toHaveLength(5);
  expect(texts).toEqual([...about, "A chain is heavy."].sort());
});
