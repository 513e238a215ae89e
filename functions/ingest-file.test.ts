import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { InngestTestEngine } from "@inngest/test";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { blobStore } from "#lib/blob/blob.ts";
import { countChunks, insertChunks } from "#lib/data/chunks.server.ts";
import { markIngested } from "#lib/data/file-progress.server.ts";
import { findFile, registerUpload } from "#lib/data/files.server.ts";
import { createProject } from "#lib/data/projects.server.ts";
import { EXTRACTION_VERSION } from "#lib/ingest/document.ts";
import { fetchTexts, namespaces, upsertTexts } from "#lib/upstash/vector.ts";
import { type TestDatabase, testDatabase } from "../test/setup/database.ts";
import { freshIndex } from "../test/setup/vectors.ts";
import { ingestFile } from "./ingest-file.ts";

let database: TestDatabase;
let vectors: Awaited<ReturnType<typeof freshIndex>>;
let dir: string;
beforeAll(async () => {
  database = await testDatabase();
  vectors = await freshIndex();
  for (const [name, value] of Object.entries(vectors.index)) vi.stubEnv(name, value);
  dir = await mkdtemp(join(tmpdir(), "ingest-"));
  vi.stubEnv("BLOB_DIR", dir);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await vectors.drop();
  await database.close();
  await rm(dir, { recursive: true });
});

test("a link that is refused is announced once for each time that it was sent", async () => {
  const { id: projectId } = await createProject({ ownerUserId: "o", name: "P", slug: "p" });
  const first = await announced(projectId, "event-1");
  expect(first).toMatchObject({ name: "file.rejected", data: { projectId, code: "url_refused" } });
  expect(await announced(projectId, "event-1")).toEqual(first);
  const again = await announced(projectId, "event-2");
  expect(again.data).toEqual(first.data);
  expect(again.id).not.toBe(first.id);
});

test("of a file that this version refuses, nothing that an older one read is left to be found", async () => {
  const { id: projectId } = await createProject({ ownerUserId: "o", name: "P", slug: "older" });
  const extractionVersion = EXTRACTION_VERSION - 1;
  const { fileId, chunkId } = await readBefore(projectId, extractionVersion);
  const engine = new InngestTestEngine({
    function: ingestFile,
    events: [{ name: "file.uploaded", data: { projectId, fileId } }],
    steps: [{ id: "announce", handler: () => ({ ids: [] }) }],
  });
  const { result } = await engine.execute();
  expect(result).toMatchObject({ outcome: "refused", fileId });
  expect(await findFile({ fileId })).toMatchObject({ status: "rejected" });
  expect(await countChunks({ fileId, extractionVersion })).toBe(0);
  expect(await fetchTexts(namespaces.chunks(projectId), [chunkId])).toEqual([]);
});

/** A file that an older extraction version took, and of which this one can make nothing. */
async function readBefore(projectId: string, extractionVersion: number) {
  const bytes = Buffer.from("%PDF-1.7 and no more");
  const blobRef = `projects/${projectId}/source`;
  const { sha256, size: sizeBytes } = await blobStore().put(blobRef, Readable.from([bytes]));
  const { file } = await registerUpload({
    ...{ projectId, name: "a.pdf", mimeType: "application/pdf", sizeBytes, sha256, blobRef },
  });
  const fileId = file.id;
  const chunk = { id: "chunk_old", ordinal: 0, content: "The chain.", breadcrumbs: "" };
  const place = { pageStart: 1, pageEnd: 1, startOffset: 0, endOffset: 10, tokenCount: 2 };
  const chunks = [{ ...chunk, ...place }];
  await insertChunks({ projectId, fileId, fileSha256: sha256, extractionVersion, chunks });
  const about = { projectId, type: "chunk" as const, fileId, chunkId: chunk.id };
  await upsertTexts(namespaces.chunks(projectId), [
    { id: chunk.id, data: chunk.content, metadata: { ...about, pageStart: 1, pageEnd: 1 } },
  ]);
  await markIngested({ fileId, extractionVersion, format: "pdf", pageCount: 1, chunkCount: 1 });
  return { fileId, chunkId: chunk.id };
}

/** What is announced of a link to a host that nobody allowed, which no bytes are asked of. */
async function announced(projectId: string, id: string): Promise<{ id: string; data: unknown }> {
  const data = { projectId, name: "a.pdf", url: "https://files.example.com/a.pdf" };
  const engine = new InngestTestEngine({
    function: ingestFile,
    events: [{ id, name: "file.uploaded", data }],
    steps: [{ id: "announce", handler: () => ({ ids: [] }) }],
  });
  const { ctx } = await engine.execute();
  const [, event] = ctx.step.sendEvent.mock.calls[0] ?? [];
  return event as { id: string; data: unknown };
}
