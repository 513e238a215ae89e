import { readFile } from "node:fs/promises";
import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileChunks, fileRemovals, projectFiles } from "#db/schema.ts";
import { deleteFile } from "#lib/data/files.server.ts";
import { type Client, until } from "#local/client.ts";
import { makeProject, residue, type TestCloud, testCloud } from "./support/cloud.ts";

const NAMES = ["release-notes.md", "incident-report.txt", "faq.html"];
const nothing = { files: [], chunks: [], vectorsMatch: true, blobs: 0 };

let world: TestCloud;
let client: Client;

beforeAll(async () => {
  world = await testCloud();
  client = await world.client();
}, 90_000);
afterAll(() => world?.close());

async function ingested(projectId: string): Promise<{ id: string; name: string }[]> {
  await makeProject(client, projectId);
  await until("project", () => client.files(projectId).catch(() => null));
  for (const name of NAMES) {
    await client.upload(
      projectId,
      name,
      await readFile(new URL(`../samples/${name}`, import.meta.url)),
    );
  }
  return await until("ingestion", async () => {
    const files = await client.files(projectId);
    return files.every(({ status }) => status === "ingested") && files;
  });
}

test("a removed file is gone from rows, vectors, blobs and search at once; removing it again changes nothing", async () => {
  const [kept, ...rest] = await ingested("some-files");
  const removals = rest.map(({ id: fileId }) => ({
    name: "file.removed",
    data: { projectId: "some-files", fileId, by: "owner" },
  }));
  await client.runs(await client.send(...removals, ...removals));
  const left = await residue(world, "some-files");
  expect(left.files.map(({ name }) => name)).toEqual([kept?.name]);
  expect(left.vectorsMatch).toBe(true);
  expect(left.blobs).toBe(2);
  const { hits } = await client.search("some-files", "harbour authority buoy firmware rental");
  expect(new Set(hits.map(({ file }) => file))).toEqual(new Set([kept?.name]));
});

test("a removal that failed for good after its row had gone is finished by the sweeper", async () => {
  const projectId = "half-removed";
  const [file] = await ingested(projectId);
  const before = await residue(world, projectId);
  // What a run leaves whose first step was its last.
  await deleteFile({ projectId, fileId: file?.id ?? "" }, world.database);
  expect(await residue(world, projectId)).toMatchObject({ vectorsMatch: false, blobs: 6 });

  const left = eq(fileRemovals.projectId, projectId);
  const updatedAt = sql`now() - interval '20 minutes'`;
  await world.database.update(fileRemovals).set({ updatedAt }).where(left);
  const sweep = `${world.cloud.inngestUrl}/invoke/countersign-sweep-removals`;
  const response = await fetch(sweep, { method: "POST", body: "{}" });
  const { id } = (await response.json()) as { id: string };
  expect(await client.runs([id])).toEqual(["Completed"]);
  await until(
    "no trace of it",
    async () => (await world.database.$count(fileRemovals, left)) === 0,
  );
  const after = await residue(world, projectId);
  expect(after).toMatchObject({ vectorsMatch: true, blobs: 4 });
  expect(after.files).toEqual(before.files.filter(({ name }) => name !== file?.name));
});

test("a removed file that is uploaded again is a new file, whole", async () => {
  const files = await ingested("again");
  const before = await residue(world, "again");
  const removals = files.map(({ id: fileId }) => ({
    name: "file.removed",
    data: { projectId: "again", fileId, by: "owner" },
  }));
  await client.runs(await client.send(...removals));
  expect(await residue(world, "again")).toEqual(nothing);
  await ingested("again");
  expect(await residue(world, "again")).toEqual(before);
});

test("a file that is removed while it is ingested leaves nothing", async () => {
  await makeProject(client, "racing");
  await until("project", () => client.files("racing").catch(() => null));
  const bytes = await readFile(new URL("../samples/operations-manual.pdf", import.meta.url));
  const { id: fileId } = await client.upload("racing", "manual.pdf", bytes);
  // At the moment when chunks exist and their vectors are being written.
  await until("chunk rows", async () => {
    const rows = await world.database
      .select()
      .from(fileChunks)
      .where(eq(fileChunks.fileId, fileId));
    return rows.length > 0;
  });
  const removal = { name: "file.removed", data: { projectId: "racing", fileId, by: "owner" } };
  await client.runs(await client.send(removal));
  await until("nothing is left", async () => {
    return JSON.stringify(await residue(world, "racing")) === JSON.stringify(nothing);
  });
});

test("a deleted project is gone with everything, and deleting it again changes nothing", async () => {
  await ingested("doomed");
  const deletion = { name: "project.deleted", data: { projectId: "doomed", by: "owner" } };
  expect(await client.runs(await client.send(deletion, deletion))).toEqual([
    "Completed",
    "Completed",
  ]);
  await expect(client.files("doomed")).rejects.toThrow("404");
  expect(await residue(world, "doomed")).toEqual(nothing);
});

test("what an older extraction version left is replaced by what this one makes", async () => {
  const [file] = await ingested("older");
  if (!file) throw new Error("nothing was ingested");
  const before = await residue(world, "older");
  // As an older version would have left it: its rows and vectors under ids of its own.
  const ofFile = eq(fileChunks.fileId, file.id);
  const chunks = await world.database.select().from(fileChunks).where(ofFile);
  const namespace = "project:older:chunks";
  await world.vectors.upsert(
    chunks.map(({ id, content: data }) => ({
      id: `old_${id}`,
      data,
      metadata: { fileId: file.id },
    })),
    { namespace },
  );
  await world.vectors.delete(
    chunks.map(({ id }) => id),
    { namespace },
  );
  await world.database
    .update(fileChunks)
    .set({ id: sql`'old_' || ${fileChunks.id}`, extractionVersion: 0 })
    .where(ofFile);
  await world.database
    .update(projectFiles)
    .set({ extractionVersion: 0 })
    .where(eq(projectFiles.id, file.id));

  const event = { name: "file.uploaded", data: { projectId: "older", fileId: file.id } };
  expect(await client.runs(await client.send(event))).toEqual(["Completed"]);
  expect(await residue(world, "older")).toEqual(before);
});
