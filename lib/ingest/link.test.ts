import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { projectFiles } from "#db/schema.ts";
import { until } from "#local/client.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { setEnv } from "../../test/support/environment.ts";
import { blobStore } from "../blob/blob.ts";
import { projectPrefix } from "../blob/port.ts";
import { sha256 } from "../canonical.ts";
import { markIngested } from "../data/file-progress.server.ts";
import { deleteFile, findFile, listFiles, registerUpload } from "../data/files.server.ts";
import { beginProjectDelete, createProject, deleteProject } from "../data/projects.server.ts";
import { FileRefused } from "../errors.ts";
import { newId } from "../ids.ts";
import { EXTRACTION_VERSION } from "./document.ts";
import { type Fetched, fetchLink } from "./link.ts";
import { refusable } from "./outcome.ts";
import { register } from "./register.ts";

let database: TestDatabase;
let dir: string;
let projectId: string;
let url: string;
/** Requests that nobody has answered yet. */
let asked: ServerResponse[] = [];
const server = createServer((_, response) => asked.push(response));

beforeAll(async () => {
  database = await testDatabase();
  dir = await mkdtemp(join(tmpdir(), "link-"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/spec.md`;
  await setEnv({
    BLOB_DIR: dir,
    FILE_URL_HOSTS: "127.0.0.1",
    FETCH_ALLOW_LOOPBACK_HTTP: "1",
  });
});
afterAll(async () => {
  server.close();
  await setEnv({
    BLOB_DIR: undefined,
    FILE_URL_HOSTS: undefined,
    FETCH_ALLOW_LOOPBACK_HTTP: undefined,
  });
  await database.close();
  await rm(dir, { recursive: true });
});
beforeEach(async () => {
  asked = [];
  projectId = newId("project");
  await createProject({ id: projectId, ownerUserId: "ann", name: "P", slug: projectId });
});

const link = (more: { sha256?: string } = {}) => ({ projectId, name: "spec.md", url, ...more });

/** Asks for the link, and begins to fetch it. */
async function fetching(data = link()): Promise<{ fileId: string; fetched: Promise<Fetched> }> {
  const waiting = asked.length;
  const { outcome, fileId } = await register(data);
  expect(outcome).toBe("link");
  const fetched = fetchLink(data, fileId);
  // Whoever waits for it sees what it throws.
  fetched.catch(() => {});
  await until("it is fetched", async () => asked.length > waiting);
  return { fileId, fetched };
}

const files = async () => (await listFiles({ projectId })).items;
const blobs = async () => (await blobStore().usage(projectPrefix(projectId))).blobs;
const bytesOf = async (fileId: string) => {
  const file = await findFile({ fileId });
  const path = join(dir, "copy");
  await blobStore().getToFile(file?.blobRef ?? "", path);
  const bytes = await readFile(path);
  expect(sha256(bytes)).toBe(file?.sha256);
  return bytes.toString();
};

test("a link that leads to other bytes while it is fetched becomes two files, each with its own", async () => {
  const one = await fetching();
  const two = await fetching();
  expect(two.fileId).toBe(one.fileId);
  asked[0]?.end("the first");
  expect(await one.fetched).toMatchObject({ outcome: "ready", fileId: one.fileId });
  asked[1]?.end("the second");
  const second = await two.fetched;
  expect(second).toMatchObject({ outcome: "ready", fileId: expect.not.stringMatching(one.fileId) });
  expect(await bytesOf(one.fileId)).toBe("the first");
  expect(await bytesOf(second.fileId)).toBe("the second");
  expect([(await files()).length, await blobs()]).toEqual([2, 2]);
  // Tried again by somebody who did not hear of it.
  expect(await fetchLink(link(), one.fileId)).toMatchObject({ fileId: one.fileId });
});

test("a link that is fetched twice at once is one file", async () => {
  const [one, two] = [await fetching(), await fetching()];
  for (const response of asked) response.end("the same");
  const ends = await Promise.all([one.fetched, two.fetched]);
  expect(ends.map(({ fileId }) => fileId)).toEqual([one.fileId, one.fileId]);
  expect([(await files()).length, await blobs()]).toEqual([1, 1]);
});

test("a link whose file was removed while its host was down stays removed", async () => {
  const { fileId, fetched } = await fetching();
  asked[0]?.writeHead(503).end();
  await expect(fetched).rejects.toMatchObject({ code: "url_unavailable" });
  await deleteFile({ projectId, fileId });
  expect(await fetchLink(link(), fileId)).toEqual({ outcome: "removed", fileId });
  expect([await files(), asked.length]).toEqual([[], 1]);
});

test("bytes that come after their project was deleted do not stay", async () => {
  const { fileId, fetched } = await fetching();
  await beginProjectDelete({ id: projectId });
  await deleteProject({ id: projectId });
  asked[0]?.end("too late");
  expect(await fetched).toEqual({ outcome: "removed", fileId });
  expect(await blobs()).toBe(0);
});

test("a refusal of one event does not hide the bytes that another has fetched", async () => {
  const other = await fetching(link({ sha256: sha256("announced") }));
  const one = await fetching(link({ sha256: sha256("what is there") }));
  asked[1]?.end("what is there");
  expect(await one.fetched).toMatchObject({ outcome: "ready" });
  asked[0]?.end("what is there");
  expect(await other.fetched).toMatchObject({ outcome: "ready", fileId: one.fileId });
  expect(await findFile({ fileId: one.fileId })).toMatchObject({
    status: "ingesting",
    rejectCode: null,
  });
});

test("a link that was refused is asked for again as if it had never been", async () => {
  const first = await fetching();
  asked[0]?.writeHead(404).end();
  expect(await first.fetched).toMatchObject({ outcome: "refused", code: "url_refused" });
  expect(await findFile({ fileId: first.fileId })).toMatchObject({ status: "rejected" });
  // By its id alone it is as it was, also for a later version of ours: who asks so does not ask for the link again.
  await db()
    .update(projectFiles)
    .set({ extractionVersion: 0 })
    .where(eq(projectFiles.id, first.fileId));
  expect(await register({ projectId, fileId: first.fileId })).toMatchObject({
    outcome: "unchanged",
  });
  const again = await fetching();
  expect(await findFile({ fileId: first.fileId })).toMatchObject({
    status: "pending",
    rejectCode: null,
  });
  asked[1]?.end("now it is there");
  expect(await again.fetched).toMatchObject({ outcome: "ready", fileId: first.fileId });
});

test("what waits for its bytes is fetched by its id alone, from the link that is kept", async () => {
  const { fileId } = await register(link({ sha256: sha256("announced") }));
  const byId = { projectId, fileId };
  expect(await register(byId)).toEqual({ outcome: "link", fileId });
  const fetched = fetchLink(byId, fileId);
  await until("it is fetched", async () => asked.length === 1);
  asked[0]?.end("another");
  expect(await fetched).toMatchObject({ outcome: "refused", code: "hash_mismatch" });
});

test("a refusal says nothing of a file that was ingested or removed meanwhile, nor of a link that has its bytes", async () => {
  const refused = async () => {
    throw new FileRefused("too_slow", "Split it.");
  };
  const file = { projectId, name: "a", mimeType: "text/plain", sizeBytes: 1, blobRef: "a" };
  const { file: slow } = await registerUpload({ ...file, sha256: sha256("a") });
  const { file: done } = await registerUpload({ ...file, sha256: sha256("b") });
  const found = { format: "text", pageCount: null, chunkCount: 1 };
  await markIngested({ fileId: done.id, extractionVersion: EXTRACTION_VERSION, ...found });
  expect(await refusable(slow.id, refused)).toMatchObject({ outcome: "refused", code: "too_slow" });
  expect(await refusable(done.id, refused)).toEqual({ outcome: "unchanged", fileId: done.id });
  expect(await refusable(slow.id, refused, { pending: true })).toMatchObject({
    outcome: "unchanged",
  });
  await deleteFile({ projectId, fileId: slow.id });
  expect(await refusable(slow.id, refused)).toEqual({ outcome: "removed", fileId: slow.id });
});

test("what a newer version of ours has ingested is left as it is, as while two of them are deployed", async () => {
  const file = { projectId, name: "a", mimeType: "text/plain", sizeBytes: 1, blobRef: "a" };
  const { file: newer } = await registerUpload({ ...file, sha256: sha256("a") });
  const found = { format: "text", pageCount: null, chunkCount: 1 };
  const extractionVersion = EXTRACTION_VERSION + 1;
  await markIngested({ fileId: newer.id, extractionVersion, ...found });
  expect(await register({ projectId, fileId: newer.id })).toMatchObject({ outcome: "unchanged" });
  expect(await findFile({ fileId: newer.id })).toMatchObject({ status: "ingested" });
});
