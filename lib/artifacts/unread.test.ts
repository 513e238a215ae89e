import { hash } from "node:crypto";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { fileNames, runs } from "#db/schema.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { markIngested, markIngesting, markRejected } from "../data/file-progress.server.ts";
import { registerLink, registerUpload } from "../data/files.server.ts";
import { createProject } from "../data/projects.server.ts";
import { newId } from "../ids.ts";
import { unreadFiles } from "./unread.ts";

const MINUTE = 60_000;

let database: TestDatabase;
let projectId: string;
let runId: string;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  projectId = newId("project");
  runId = newId("run");
  await createProject({ id: projectId, ownerUserId: "ann", name: "P", slug: projectId });
  const run = { id: runId, projectId, kind: "research" as const, requestedBy: "ann", input: {} };
  await db()
    .insert(runs)
    .values({ ...run, status: "running" });
});

const ago = (minutes: number) => new Date(Date.now() - minutes * MINUTE);

async function upload(name: string): Promise<string> {
  const bytes = { sha256: hash("sha256", name, "hex"), sizeBytes: 1, blobRef: "b" };
  const { file } = await registerUpload({ projectId, name, mimeType: "text/plain", ...bytes });
  return file.id;
}

async function link(name: string, at?: Date): Promise<string> {
  const url = `https://files.example.com/${name}`;
  return (await registerLink({ projectId, name, url, at })).file.id;
}

async function read(fileId: string, extractionVersion = 1): Promise<void> {
  const found = { format: "text", pageCount: null, chunkCount: 1 };
  await markIngested({ fileId, extractionVersion, ...found });
}

test("files that were sent with a run are waited for until they are read or refused", async () => {
  expect(await unreadFiles(runId)).toEqual({ unread: 0, awaited: 0 });
  const [first, second, third] = [await upload("a.md"), await upload("b.md"), await link("c.md")];
  // The same bytes again, under another name, are no other file.
  const bytes = { sha256: hash("sha256", "a.md", "hex"), sizeBytes: 1, blobRef: "b" };
  await registerUpload({ projectId, name: "alias.md", mimeType: "text/plain", ...bytes });
  expect(await unreadFiles(runId)).toEqual({ unread: 3, awaited: 3 });
  await markIngesting({ fileId: first });
  expect(await unreadFiles(runId)).toEqual({ unread: 3, awaited: 3 });
  await read(first);
  await markRejected({ fileId: second, extractionVersion: 1, code: "corrupt", reason: "no" });
  expect(await unreadFiles(runId)).toEqual({ unread: 1, awaited: 1 });
  const refused = { code: "url_refused", reason: "no", pending: true };
  await markRejected({ fileId: third, extractionVersion: 1, ...refused });
  expect(await unreadFiles(runId)).toEqual({ unread: 0, awaited: 0 });
});

test("what is searchable while it is read anew is not waited for, nor what came after the run or elsewhere", async () => {
  const fileId = await upload("a.md");
  await read(fileId);
  await markIngesting({ fileId });
  expect(await unreadFiles(runId)).toEqual({ unread: 0, awaited: 0 });
  await upload("later.md");
  await db()
    .update(runs)
    .set({ createdAt: ago(1) })
    .where(eq(runs.id, runId));
  expect(await unreadFiles(runId)).toEqual({ unread: 0, awaited: 0 });
  const other = newId("project");
  await createProject({ id: other, ownerUserId: "ann", name: "P", slug: other });
  const url = "https://files.example.com/a.md";
  await registerLink({ projectId: other, name: "a.md", url, at: ago(2) });
  expect(await unreadFiles(runId)).toEqual({ unread: 0, awaited: 0 });
});

test("a link is waited for five minutes, a file fifteen, from when it came", async () => {
  await link("soon.md", ago(4));
  await link("late.md", ago(6));
  expect(await unreadFiles(runId)).toEqual({ unread: 2, awaited: 1 });
  const fileId = await upload("a.md");
  const came = (minutes: number) =>
    db()
      .update(fileNames)
      .set({ cameAt: ago(minutes).toISOString() })
      .where(eq(fileNames.fileId, fileId));
  await came(14);
  expect(await unreadFiles(runId)).toEqual({ unread: 3, awaited: 2 });
  await came(16);
  expect(await unreadFiles(runId)).toEqual({ unread: 3, awaited: 1 });
});
