import { InngestTestEngine } from "@inngest/test";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { projectFiles, projects } from "#db/schema.ts";
import { registerLink, registerUpload } from "#lib/data/files.server.ts";
import { beginProjectDelete, createProject } from "#lib/data/projects.server.ts";
import { type TestDatabase, testDatabase } from "../test/setup/database.ts";
import { sweepFiles } from "./sweep-files.ts";
import { sweepProjects } from "./sweep-projects.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

test("wakes files that were left behind, once, in the form of the event that they came by", async () => {
  const { id: projectId } = await createProject({ ownerUserId: "o", name: "P", slug: "p" });
  const url = "https://files.example.com/a.pdf";
  await registerLink({ projectId, name: "a.pdf", url, sha256: "a".repeat(64) });
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
    expect.arrayContaining([
      { projectId, name: "a.pdf", url, sha256: "a".repeat(64) },
      { projectId, fileId: file.id },
    ]),
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

/** The events that one sweep sends. */
async function sweep(
  sweeper: typeof sweepFiles | typeof sweepProjects = sweepFiles,
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
