import { InngestTestEngine } from "@inngest/test";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { fileRemovals, projectFiles, projects } from "#db/schema.ts";
import { markRejected } from "#lib/data/file-progress.server.ts";
import { endRemoval } from "#lib/data/file-removals.server.ts";
import { deleteFile, registerLink, registerUpload } from "#lib/data/files.server.ts";
import { beginProjectDelete, createProject } from "#lib/data/projects.server.ts";
import { type TestDatabase, testDatabase } from "../test/setup/database.ts";
import { sweepFiles } from "./sweep-files.ts";
import { sweepProjects } from "./sweep-projects.ts";
import { sweepRemovals } from "./sweep-removals.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

test("wakes files that were left behind, once, also links whose bytes never came", async () => {
  const { id: projectId } = await createProject({ ownerUserId: "o", name: "P", slug: "p" });
  const url = "https://files.example.com/a.pdf";
  const { file: link } = await registerLink({ projectId, name: "a.pdf", url });
  const { file } = await registerUpload({
    projectId,
    name: "b.pdf",
    mimeType: "application/pdf",
    sizeBytes: 1,
    sha256: "b".repeat(64),
    blobRef: "b",
  });
  expect(await sweep()).toEqual([]);
  await db().update(projectFiles).set({ updatedAt: sql`now() - interval '20 minutes'` });

  const events = await sweep();
  expect(events.map(({ data }) => data)).toEqual(
    expect.arrayContaining([link, file].map(({ id: fileId }) => ({ projectId, fileId }))),
  );
  expect(new Set(events.map(({ id }) => id)).size).toBe(2);
  // Claimed is claimed: the next sweep leaves them alone until they are left behind again.
  expect(await sweep()).toEqual([]);
});

test("wakes the deletion of a project that did not end, once", async () => {
  const { id: projectId } = await createProject({ ownerUserId: "o", name: "Q", slug: "q" });
  await beginProjectDelete({ id: projectId });
  expect(await sweep(sweepProjects)).toEqual([]);
  await db().update(projects).set({ updatedAt: sql`now() - interval '20 minutes'` });
  const events = await sweep(sweepProjects);
  expect(events.map(({ data }) => data)).toEqual([{ projectId, by: "sweep-projects" }]);
  expect(await sweep(sweepProjects)).toEqual([]);
});

test("wakes a removal that did not end, once, until bytes and vectors are gone and nothing can write them anew", async () => {
  const { id: projectId } = await createProject({ ownerUserId: "o", name: "R", slug: "r" });
  const file = { projectId, name: "c", mimeType: "text/plain", sizeBytes: 1, blobRef: "c" };
  const { file: c } = await registerUpload({ ...file, sha256: "c".repeat(64) });
  const { file: d } = await registerUpload({ ...file, sha256: "d".repeat(64) });
  const refusal = { fileId: d.id, extractionVersion: 1, code: "corrupt", reason: "r" };
  await markRejected(refusal);
  for (const { id: fileId } of [c, d]) await deleteFile({ projectId, fileId });
  expect(await sweep(sweepRemovals)).toEqual([]);

  const earlier = sql`now() - interval '20 minutes'`;
  await db().update(fileRemovals).set({ updatedAt: earlier });
  const events = await sweep(sweepRemovals);
  expect(events.map(({ data }) => data)).toEqual(
    expect.arrayContaining(
      [c, d].map(({ id }) => ({ projectId, fileId: id, by: "sweep-removals" })),
    ),
  );
  expect(await sweep(sweepRemovals)).toEqual([]);

  // Nobody works on a refused file; the other one's ingestion may still have been under way.
  const purged = async () => {
    for (const { id: fileId } of [c, d]) await endRemoval({ fileId, settleMs: 15 * 60_000 });
    return (await db().select().from(fileRemovals)).map(({ fileId }) => fileId);
  };
  expect(await purged()).toEqual([c.id]);
  await db().update(fileRemovals).set({ createdAt: earlier });
  expect(await purged()).toEqual([]);
});

/** The events that one sweep sends. */
async function sweep(
  sweeper: typeof sweepFiles | typeof sweepProjects | typeof sweepRemovals = sweepFiles,
): Promise<{ id: string; data: unknown }[]> {
  const sent: { id: string; data: unknown }[] = [];
  const engine = new InngestTestEngine({
    function: sweeper,
    steps: [
      {
        id: "wake",
        handler: () => ({ ids: [] }),
      },
    ],
  });
  const { ctx, result } = await engine.execute();
  for (const [, events] of ctx.step.sendEvent.mock.calls) {
    sent.push(...(events as { id: string; data: unknown }[]));
  }
  expect(result).toEqual({ woken: sent.length });
  return sent;
}
