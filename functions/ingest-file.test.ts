import { InngestTestEngine } from "@inngest/test";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createProject } from "#lib/data/projects.server.ts";
import { type TestDatabase, testDatabase } from "../test/setup/database.ts";
import { ingestFile } from "./ingest-file.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

test("a link that is refused is announced once for each time that it was sent", async () => {
  const { id: projectId } = await createProject({ ownerUserId: "o", name: "P", slug: "p" });
  const first = await announced(projectId, "event-1");
  expect(first).toMatchObject({ name: "file.rejected", data: { projectId, code: "url_refused" } });
  expect(await announced(projectId, "event-1")).toEqual(first);
  const again = await announced(projectId, "event-2");
  expect(again.data).toEqual(first.data);
  expect(again.id).not.toBe(first.id);
});

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
