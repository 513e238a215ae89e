import { readFile } from "node:fs/promises";
import { asc, eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditEntries, fileChunks, fileRemovals, projectFiles } from "#db/schema.ts";
import { deleteFile } from "#lib/data/files.server.ts";
import { type Client, until } from "#local/client.ts";
import { makeProject, residue, type TestCloud, testCloud } from "./support/cloud.ts";
import { Researcher } from "./support/research.ts";
import { RunDesk } from "./support/runs.ts";

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

test("a deleted project is gone from every table, index and store, and its last entry says what was removed", async () => {
  const projectId = "doomed";
  await ingested(projectId);
  const desk = new Researcher(world, client);
  await desk.succeeded(await desk.ask(projectId, { artifacts: ["PRD"], brief: "the buoys" }));
  await client.send({
    name: "chat.message.sent",
    data: { projectId, threadId: "doomed-t", messageId: "doomed-m", content: "What is a buoy?" },
  });
  const runs = new RunDesk(world, client);
  await runs.approval(await runs.ask(projectId, "doomed", [{ name: "a", value: "1" }]));
  await until("reply", async () => {
    const thread = await client
      .call<{ state: string }>("GET", "/api/threads/doomed-t")
      .catch(() => null);
    return thread?.state === "idle";
  });
  const before = await rowsOf(projectId);
  const had = Object.keys(before).filter((table) => table !== "audit_entries");
  expect(had).toEqual(
    expect.arrayContaining(["artifacts", "approvals", "chat_threads", "effects", "project_files"]),
  );

  const deletion = { name: "project.deleted", data: { projectId, by: "owner" } };
  expect(await client.runs(await client.send(deletion, deletion))).toEqual([
    "Completed",
    "Completed",
  ]);
  await expect(client.files(projectId)).rejects.toThrow("404");
  expect(await residue(world, projectId)).toEqual(nothing);
  expect(Object.keys(await rowsOf(projectId))).toEqual(["audit_entries"]);
  const namespaces = await world.vectors.listNamespaces();
  expect(namespaces.filter((name) => name.includes(`:${projectId}:`))).toEqual([]);

  const entries = await world.database
    .select()
    .from(auditEntries)
    .where(eq(auditEntries.projectId, projectId))
    .orderBy(asc(auditEntries.seq));
  expect(entries.filter(({ action }) => action === "project.deleted")).toHaveLength(1);
  const last = entries.at(-1);
  expect(last).toMatchObject({ action: "project.deleted", actor: "owner", subject: projectId });
  const { rows, vectors, blobs } = (last?.payload ?? {}) as {
    rows: Record<string, number>;
    vectors: Record<string, number>;
    blobs: { blobs: number };
  };
  expect(Object.keys(rows)).toEqual(expect.arrayContaining(had));
  expect(rows).toMatchObject({ project_files: 3, chat_messages: 2, chat_threads: 1, runs: 2 });
  expect(Object.keys(vectors).sort()).toEqual([
    `project:${projectId}:artifacts`,
    `project:${projectId}:chunks`,
  ]);
  const late = { projectId, name: "Again", slug: "again", owner: "eve" };
  expect(await client.runs(await client.send({ name: "project.created", data: late }))).toEqual([
    "Failed",
  ]);
  expect(Object.keys(await rowsOf(projectId))).toEqual(["audit_entries"]);
  // Two of each file, and the drafts of the research run.
  expect(blobs.blobs).toBeGreaterThan(6);
});

/** Of every table that names projects, those with rows of this one, each as text: read from the database's own catalogue. */
async function rowsOf(projectId: string): Promise<Record<string, string>> {
  const { rows: tables } = await world.database.execute<{ name: string }>(sql`
    select table_name as name from information_schema.columns
    where column_name = 'project_id' and table_schema = 'public' order by 1`);
  expect(tables.length).toBeGreaterThan(15);
  const found: [string, string][] = [];
  for (const { name } of tables) {
    const { rows } = await world.database.execute<{ row: string }>(
      sql`select t::text as row from ${sql.identifier(name)} t where project_id = ${projectId}`,
    );
    if (rows.length > 0) found.push([name, rows.map(({ row }) => row).join("\n")]);
  }
  return Object.fromEntries(found);
}

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
