import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { newId } from "../ids.ts";
import type { Chunk } from "../ingest/document.ts";
import {
  countChunks,
  deleteChunks,
  fullTextSearch,
  getChunksWithFile,
  insertChunks,
  listRetired,
  listUnindexed,
  markIndexed,
} from "./chunks.server.ts";
import { deleteFile, type ProjectFile, registerUpload } from "./files.server.ts";
import { createProject } from "./projects.server.ts";

let database: TestDatabase;
let projectId: string;
let file: ProjectFile;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  projectId = newId("project");
  await createProject({ id: projectId, ownerUserId: "ann", name: "P", slug: projectId });
  file = await addFile("doc.md", "a".repeat(64));
});

async function addFile(name: string, sha256: string): Promise<ProjectFile> {
  const bytes = { sha256, sizeBytes: 1, mimeType: "text/plain", blobRef: name };
  return (await registerUpload({ projectId, name, ...bytes })).file;
}

function chunksOf(contents: readonly string[], version = 1, of = file.id): Chunk[] {
  return contents.map((content, ordinal) => ({
    id: `chunk_${of}_${version}_${String(ordinal).padStart(5, "0")}`,
    ordinal,
    content,
    breadcrumbs: "Guide > Install",
    tokenCount: 3,
    pageStart: 1,
    pageEnd: 2,
    startOffset: ordinal,
    endOffset: ordinal + content.length,
  }));
}

const identity = (extractionVersion = 1) => ({
  projectId,
  fileId: file.id,
  fileSha256: "a".repeat(64),
  extractionVersion,
});
const insert = (contents: readonly string[], version = 1) =>
  insertChunks({ ...identity(version), chunks: chunksOf(contents, version) });
const numbered = (n: number) => Array.from({ length: n }, (_, at) => `content ${at}`);
const of = (extractionVersion = 1) => ({ fileId: file.id, extractionVersion });

describe("writing", () => {
  test("chunks are written once, in more rows than one statement holds, however many write", async () => {
    const results = await Promise.all([1, 2, 3].map(() => insert(numbered(1_203))));
    expect(results.reduce((sum, { inserted }) => sum + inserted, 0)).toBe(1_203);
    expect(await countChunks(of())).toBe(1_203);
    expect(await insert(numbered(1_203))).toEqual({ inserted: 0 });
    expect(await insert([])).toEqual({ inserted: 0 });
  });

  test("a file that was removed gets no chunks, and its chunks went with it", async () => {
    await insert(["a", "b"]);
    await deleteFile({ projectId, fileId: file.id });
    expect(await countChunks(of())).toBe(0);
    expect(await insert(["a", "b"])).toEqual({ inserted: 0 });
  });
});

describe("indexing", () => {
  test("batches come in the document's order until all are marked", async () => {
    await insert(numbered(7));
    const seen: number[] = [];
    for (;;) {
      const batch = await listUnindexed({ ...of(), limit: 3 });
      if (batch.length === 0) break;
      seen.push(...batch.map(({ ordinal }) => ordinal));
      const ids = batch.map(({ id }) => id);
      expect((await markIndexed({ ids })).sort()).toEqual(ids);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test("marking tells which rows are still there", async () => {
    await insert(["a"]);
    const [kept = ""] = chunksOf(["a"]).map(({ id }) => id);
    expect(await markIndexed({ ids: [kept, "chunk_gone"] })).toEqual([kept]);
    expect(await markIndexed({ ids: [] })).toEqual([]);
  });

  test("what other versions made is retired, and only that", async () => {
    await insert(numbered(4), 1);
    await insert(numbered(5), 2);
    const retired = await listRetired({ ...of(2), limit: 100 });
    expect(retired).toHaveLength(4);
    await deleteChunks({ ids: retired });
    await deleteChunks({ ids: [] });
    expect([await countChunks(of(1)), await countChunks(of(2))]).toEqual([0, 5]);
  });
});

test("chunks come with the names of their file, and never from another project", async () => {
  await insert(["a", "b"]);
  await addFile("alias.md", "a".repeat(64));
  const ids = chunksOf(["a", "b"]).map(({ id }) => id);
  const rows = await getChunksWithFile({ projectId, ids: [...ids, "chunk_gone"] });
  expect(rows.map(({ id }) => id).sort()).toEqual(ids);
  expect(rows[0]).toMatchObject({ fileName: "doc.md", fileAliases: ["alias.md"], pageEnd: 2 });
  expect(rows[0]).not.toHaveProperty("search");
  expect(await getChunksWithFile({ projectId: "proj_other", ids })).toEqual([]);
  expect(await getChunksWithFile({ projectId, ids: [] })).toEqual([]);
});

describe("full text", () => {
  const CONTENTS = [
    "The relay copies bytes both ways until either side ends.",
    "Postgres keeps what it has acknowledged, also after a crash.",
    "数据库的全文检索需要分词，或者按单字建立索引。",
    "カタカナとひらがなを含む日本語の文章です。",
    "Straße, café and naïve: words with ÄÖÜ letters; version 3.14 of foo_bar.",
  ];
  const find = async (query: string, limit = 10) => {
    const hits = await fullTextSearch({ projectId, query, limit });
    return hits.map(({ chunkId }) => Number(chunkId.slice(-5)));
  };
  beforeEach(() => insert(CONTENTS));

  test.each([
    ["relay bytes", [0]],
    ["ACKNOWLEDGED crash", [1]],
    ['"after a crash"', [1]],
    ['"crash a after"', [1]],
    ["检索", [2]],
    ["数据库", [2]],
    ["全文检索", [2]],
    ["日本語", [3]],
    ["カタカナ", [3]],
    ["CAFÉ äöü", [4]],
    ["3.14", [4]],
    ["怎么给数据库建立索引？", [2]],
    ["How does the relay work when a side ends?", [0]],
    ["nothingofthesort --naïve", [4]],
    ["nothingofthesort", []],
    ["据数", []],
  ])("%s finds %j", async (query, expected) => {
    expect((await find(query)).slice(0, Math.max(1, expected.length))).toEqual(expected);
  });

  test("headings count, words can be excluded, the limit holds", async () => {
    expect(await find("install")).toHaveLength(5);
    expect(await find("install -crash")).not.toContain(1);
    expect(await find("nothingofthesort relay -crash")).toEqual([0]);
    expect(await find('nothingofthesort -"after a crash"')).toEqual([]);
    expect(await find("install", 2)).toHaveLength(2);
  });

  test("scores fall from below 1, and another project's chunks are not found", async () => {
    const hits = await fullTextSearch({ projectId, query: "the relay or postgres", limit: 10 });
    const scores = hits.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
    expect(await fullTextSearch({ projectId: "proj_other", query: "relay", limit: 10 })).toEqual(
      [],
    );
  });

  test("takes any text", async () => {
    const odd = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(..."\"'-|&!():*<>\\ \0数か or and".split("")) }),
    );
    await db().transaction(async (tx) => {
      await fc.assert(
        fc.asyncProperty(odd, async (query) => {
          const hits = await fullTextSearch({ projectId, query, limit: 3 }, tx);
          expect(hits.length).toBeLessThanOrEqual(3);
        }),
        { numRuns: 150 },
      );
    });
    expect(await find("\ud800")).toEqual([]);
    expect(await find("relay ".repeat(100_000))).toEqual([0]);
  });
});
