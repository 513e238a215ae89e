import { hash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { and, eq, isNotNull, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { db } from "#db/client.ts";
import { runs } from "#db/schema.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { blobStore } from "../blob/blob.ts";
import { markArtifactIndexed, unindexedArtifacts } from "../data/artifact-index.server.ts";
import { listArtifacts } from "../data/artifact-lists.server.ts";
import { readArtifact } from "../data/artifacts.server.ts";
import { deleteChunks, insertChunks } from "../data/chunks.server.ts";
import { markIngested } from "../data/file-progress.server.ts";
import { registerUpload } from "../data/files.server.ts";
import { beginProjectDelete, createProject } from "../data/projects.server.ts";
import { listSteps } from "../data/run-steps.server.ts";
import { readRun } from "../data/runs.server.ts";
import { newId } from "../ids.ts";
import { putProjectJson } from "../projects/blobs.ts";
import { acceptRun } from "../runs/accept.ts";
import { beginRun, cancelRun, failRun, succeedRun } from "../runs/life.ts";
import { checkArtifact } from "./check.ts";
import { sectionsOf } from "./compose.ts";
import { draftsPrefix, pinBase, putSection, type Work } from "./draft.ts";
import { templateOf } from "./kinds.ts";
import { publishDraft } from "./publish.ts";
import { tidyRuns } from "./tidy.ts";
import { writeSection } from "./write.ts";

const KIND = "SPEC_MOORING";
const TEXT = "The chain must be long. The default password: The buoy floats.";

let database: TestDatabase;
let dir: string;
beforeAll(async () => {
  database = await testDatabase();
  dir = await mkdtemp(join(tmpdir(), "publish-"));
  vi.stubEnv("BLOB_DIR", dir);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await database.close();
  await rm(dir, { recursive: true });
});

/** A project with one document of one chunk. */
async function scene(): Promise<{ projectId: string; chunkId: string }> {
  const slug = newId("project");
  const { id: projectId } = await createProject({ ownerUserId: "ann", name: "P", slug });
  return { projectId, chunkId: await upload(projectId, TEXT) };
}

/** Brings the document, or another text under its name; returns the id of its chunk. */
async function upload(projectId: string, content: string): Promise<string> {
  const sha256 = hash("sha256", projectId + content, "hex");
  const { file } = await registerUpload({
    ...{ projectId, name: "n.md", mimeType: "text/markdown", sizeBytes: 1, sha256, blobRef: "b" },
  });
  const chunk = { id: sha256, ordinal: 0, content, breadcrumbs: "", tokenCount: 9 };
  const place = { pageStart: null, pageEnd: null, startOffset: 0, endOffset: content.length };
  const read = { fileId: file.id, extractionVersion: 1 };
  await insertChunks({ projectId, ...read, fileSha256: sha256, chunks: [{ ...chunk, ...place }] });
  await markIngested({ ...read, format: "markdown", pageCount: null, chunkCount: 1 });
  return sha256;
}

async function work(projectId: string): Promise<Work> {
  const request = {
    projectId,
    kind: "research" as const,
    requestedBy: "ci",
    mode: "apply" as const,
  };
  const input = { artifacts: [KIND] };
  const { runId } = await acceptRun({ ...request, input, eventId: newId("run") });
  return { projectId, runId, kind: KIND, logicalKey: "main" };
}

/** All sections say the same. */
async function draft(of: Work, chunkId: string, ...texts: string[]): Promise<void> {
  const statements = texts.map((text) => {
    return {
      text,
      citations: [text, "The chain must be long."].map((quote) => ({ chunkId, quote })),
    };
  });
  for (const { id } of templateOf(KIND).sections) {
    await putSection(of, { id, statements, model: null });
  }
}

test("a run that dies after the commit of its version finds it again, also under a newer one of another run", async () => {
  const { projectId, chunkId } = await scene();
  const [first, second] = [await work(projectId), await work(projectId)];
  await draft(first, chunkId, "The chain must be long.");
  await draft(second, chunkId, "The buoy floats.");
  await checkArtifact(first);
  await checkArtifact(second);
  const published = await publishDraft(first);
  expect(published).toMatchObject({ version: 1, created: true });
  expect(await publishDraft(first)).toEqual(published);
  expect(await publishDraft(second)).toMatchObject({ version: 2, created: true });
  expect(await publishDraft(first)).toEqual(published);
});

test("of two runs that refine one version the second publishes nothing: it would take the first one's change back", async () => {
  const { projectId, chunkId } = await scene();
  const written = async (text: string) => {
    const run = await work(projectId);
    await draft(run, chunkId, text);
    await checkArtifact(run);
    return run;
  };
  await publishDraft(await written("The chain must be long."));
  const [first, second] = [
    await written("The buoy floats."),
    await written("The default password:"),
  ];
  await Promise.all([pinBase(first), pinBase(second)]);
  const published = await publishDraft(first, "Say more of the buoy");
  expect(published).toMatchObject({ version: 2, created: true });
  await expect(publishDraft(second, "Say more of the password")).rejects.toMatchObject({
    ...{ code: "base_moved", retry: false },
  });
  expect(await publishDraft(first, "Say more of the buoy")).toEqual(published);
});

test("the same text whose sources are others now is a new version, so that a stale one can be mended", async () => {
  const { projectId, chunkId: old } = await scene();
  const publish = async (chunkId: string) => {
    const run = await work(projectId);
    await draft(run, chunkId, "The chain must be long.");
    await checkArtifact(run);
    return await publishDraft(run);
  };
  const stale = async () => (await listArtifacts({ projectId })).items.map((one) => one.stale);
  await publish(old);
  expect(await publish(old)).toMatchObject({ version: 1, created: false });
  const replaced = await upload(projectId, `${TEXT} The anchor is new.`);
  expect(await stale()).toEqual([true]);
  // What is cited as before is as stale as before: that would go on for ever.
  expect(await publish(old)).toMatchObject({ version: 1, created: false });
  expect(await publish(replaced)).toMatchObject({ version: 2, created: true, citations: 1 });
  expect(await stale()).toEqual([false]);
  expect(await publish(replaced)).toMatchObject({ version: 2, created: false });
});

test("sources that go while a run is under way end it: nothing is published that says they do not answer", async () => {
  const { projectId, chunkId } = await scene();
  const run = await work(projectId);
  await draft(run, chunkId, "The chain must be long.");
  await checkArtifact(run);
  await deleteChunks({ ids: [chunkId] });
  const moved = { code: "sources_moved", retry: false };
  await expect(publishDraft(run)).rejects.toMatchObject(moved);
  await expect(checkArtifact(run)).rejects.toMatchObject(moved);
  const input = { id: "scope", chunkIds: [chunkId], stepId: "write", research: { brief: "" } };
  await expect(writeSection(run, input)).rejects.toMatchObject(moved);
});

test("a run that is under way keeps its sections when a deployment changes them, and one that has not kept them says so", async () => {
  const { projectId, chunkId } = await scene();
  const run = await work(projectId);
  const [scope] = templateOf(KIND).sections;
  const old = { title: "Old title", sections: [{ ...scope, id: "old", heading: "Old heading" }] };
  await putProjectJson(projectId, `${draftsPrefix(run)}/${KIND}/template.json`, old);
  const input = { chunkIds: [chunkId], stepId: "write", research: { brief: "buoy chain" } };
  await writeSection(run, { ...input, id: "old" });
  await checkArtifact(run);
  const { artifactId } = await publishDraft(run);
  const artifact = await readArtifact({ id: artifactId });
  expect(artifact.content).toMatch(/^# Old title\n/);
  expect(sectionsOf(artifact).map(({ heading }) => heading)).toEqual(["Old heading"]);

  const before = await work(projectId);
  const changed = { code: "template_changed", retry: false };
  await expect(writeSection(before, { ...input, id: "old" })).rejects.toMatchObject(changed);
  await writeSection(before, { ...input, id: "scope" });
  await expect(checkArtifact(before)).rejects.toMatchObject(changed);
});

test("a draft that is written while its project is being deleted is taken back", async () => {
  const { projectId, chunkId } = await scene();
  const run = await work(projectId);
  await draft(run, chunkId, "The buoy floats.");
  const prefix = draftsPrefix(run);
  const { blobs } = await blobStore().usage(prefix);
  await beginProjectDelete({ id: projectId });
  await blobStore().deletePrefix(prefix);
  const late = putSection(run, { id: "scope", statements: [], model: null });
  await expect(late).rejects.toMatchObject({ code: "project_not_found", retry: false });
  expect([blobs, (await blobStore().usage(prefix)).blobs]).toEqual([4, 0]);
});

test("drafts go some time after their run has ended, those of one that failed last, and then it cannot go on", async () => {
  const { projectId, chunkId } = await scene();
  const runsOf = {
    live: await work(projectId),
    succeeded: await work(projectId),
    canceled: await work(projectId),
    failed: await work(projectId),
  };
  for (const run of Object.values(runsOf)) await draft(run, chunkId, "The buoy floats.");
  const kept = async () => {
    const left: string[] = [];
    for (const [name, run] of Object.entries(runsOf)) {
      if ((await blobStore().usage(draftsPrefix(run))).blobs > 0) left.push(name);
    }
    return left;
  };
  const begin = (run: Work) => beginRun({ runId: run.runId, inngestRunId: run.runId });
  for (const run of Object.values(runsOf)) await begin(run);
  const ours = ({ runId }: Work) => ({ runId, inngestRunId: runId });
  await succeedRun(ours(runsOf.succeeded), {});
  await cancelRun({ ...runsOf.canceled, by: "ann", reason: "enough" });
  await failRun({ ...ours(runsOf.failed), error: "out: of luck" });
  expect(await tidyRuns({ limit: 100 })).toBe(0);
  expect(await kept()).toEqual(["live", "succeeded", "canceled", "failed"]);
  await endedBefore(projectId, "2 hours");
  expect(await tidyRuns({ limit: 1 })).toBe(1);
  expect(await tidyRuns({ limit: 100 })).toBe(1);
  expect(await kept()).toEqual(["live", "failed"]);
  await endedBefore(projectId, "31 days");
  expect(await tidyRuns({ limit: 100 })).toBe(1);
  expect(await tidyRuns({ limit: 100 })).toBe(0);
  expect(await kept()).toEqual(["live"]);
  const { runId } = runsOf.failed;
  const request = { projectId, runId, kind: "research" as const, requestedBy: "ci" };
  const again = acceptRun({ ...request, input: {}, eventId: newId("run") });
  await expect(again).rejects.toMatchObject({ code: "run_too_old", retry: false });
  expect(await readRun({ id: runId })).toMatchObject({
    ...{ status: "failed", error: "out: of luck" },
    remediation: expect.stringContaining("ask for a new run"),
  });
});

test("a run that has ended publishes nothing, and what it published before is left to be indexed, drafts and all", async () => {
  const { projectId, chunkId } = await scene();
  const published = async (text: string) => {
    const run = await work(projectId);
    await draft(run, chunkId, text);
    await checkArtifact(run);
    return { run, artifactId: (await publishDraft(run)).artifactId };
  };
  const older = await published("The buoy floats.");
  const { run, artifactId } = await published("The chain must be long.");
  const left = async () => {
    const all = await unindexedArtifacts({ limit: 100 });
    return all.filter((one) => one.projectId === projectId);
  };
  expect(await left()).toEqual([]);
  await cancelRun({ ...older.run, by: "ann", reason: "enough" });
  await cancelRun({ ...run, by: "ann", reason: "enough" });
  await expect(publishDraft(run)).rejects.toMatchObject({ code: "run_ended", retry: false });
  await endedBefore(projectId, "2 hours");
  // Its version hides the older one, which nobody has to find.
  const version = { projectId, runId: run.runId, artifactId, kind: KIND, logicalKey: "main" };
  expect(await left()).toEqual([{ ...version, version: 2 }]);
  expect(await tidyRuns({ limit: 100 })).toBe(1);
  for (const _ of [1, 2]) await markArtifactIndexed(version, { indexed: 4 });
  expect(await left()).toEqual([]);
  expect(await listSteps(run)).toMatchObject([
    { stepId: `publish-${KIND}/index`, status: "succeeded", outputs: { indexed: 4 } },
  ]);
  expect(await tidyRuns({ limit: 100 })).toBe(1);
});

async function endedBefore(projectId: string, interval: string): Promise<void> {
  await db()
    .update(runs)
    .set({ endedAt: sql`now() - ${interval}::interval` })
    .where(and(eq(runs.projectId, projectId), isNotNull(runs.endedAt)));
}

test("what would look like a secret beside citations' numbers is withheld, so that sections stay where they are said to be", async () => {
  const { projectId, chunkId } = await scene();
  const run = await work(projectId);
  await draft(run, chunkId, "The default password:", "The buoy floats.");
  expect(await checkArtifact(run)).toMatchObject({ withheld: 4, statements: 4 });
  const { artifactId } = await publishDraft(run);
  const sections = sectionsOf(await readArtifact({ id: artifactId }));
  expect(sections.map(({ text }) => text)).toEqual(Array(4).fill("The buoy floats. [1][2]"));
});
