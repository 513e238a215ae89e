import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { newId } from "../ids.ts";
import { acceptRun } from "../runs/accept.ts";
import {
  deploymentByVercelId,
  deploymentsOfRun,
  listDeployments,
  noteDeployment,
  putDeployment,
} from "./deployments.server.ts";
import { createProject } from "./projects.server.ts";

let database: TestDatabase;
let of: { projectId: string; runId: string; vercelProjectId: string };
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  const slug = newId("project");
  const { id: projectId } = await createProject({ ownerUserId: "ann", name: "P", slug });
  of = { projectId, runId: await run(projectId), vercelProjectId: "prj_1" };
});

async function run(projectId: string): Promise<string> {
  const input = { target: "ledger", book: "b", entries: [{ name: "n", value: "v" }] };
  const asked = { projectId, kind: "implementation" as const, input, requestedBy: "ann" };
  return (await acceptRun({ ...asked, eventId: newId("step") })).runId;
}

const put = (vercelDeploymentId: string, metadata: Record<string, unknown> = {}) =>
  putDeployment({ ...of, vercelDeploymentId, deploymentUrl: "https://a.vercel.app", metadata });

test("a deployment is noted once, however often and by how many at once it is put", async () => {
  const id = newId("deployment");
  const rows = await Promise.all([1, 2, 3].map((n) => put(id, { n })));
  expect(new Set(rows.map((row) => row.id)).size).toBe(1);
  expect(await put(id, { n: 4 })).toEqual(rows[0]);
  expect(await deploymentsOfRun(of)).toEqual([rows[0]]);
});

test("what is noted for one run is no other's", async () => {
  const id = newId("deployment");
  const row = await put(id);
  of = { ...of, runId: await run(of.projectId) };
  await expect(put(id)).rejects.toMatchObject({ code: "deployment_of_another" });
  expect(await deploymentByVercelId(id)).toEqual(row);
});

test("metadata is put over what is there, and an end stays the end", async () => {
  const vercelDeploymentId = newId("deployment");
  await put(vercelDeploymentId, { commitSha: "a", effectId: "eff_1" });
  const note = (more: Omit<Parameters<typeof noteDeployment>[0], "vercelDeploymentId">) =>
    noteDeployment({ vercelDeploymentId, ...more });
  expect(await note({ status: "building" })).toMatchObject({ status: "building", endedAt: null });
  const first = new Date("2026-01-02T03:04:05.000Z");
  await note({ status: "ready", endedAt: first });
  const late = { status: "building" as const, endedAt: new Date(), metadata: { promotedBy: "e" } };
  expect(await note(late)).toMatchObject({
    ...{ status: "ready", endedAt: first },
    metadata: { commitSha: "a", effectId: "eff_1", promotedBy: "e" },
  });
  const other = newId("deployment");
  await put(other);
  const ended = await noteDeployment({ vercelDeploymentId: other, status: "error" });
  expect(ended?.endedAt).toBeInstanceOf(Date);
  expect(await noteDeployment({ vercelDeploymentId: other, status: "canceled" })).toMatchObject({
    ...{ status: "error", endedAt: ended?.endedAt },
  });
  expect(await noteDeployment({ vercelDeploymentId: "dpl_none", status: "ready" })).toBeNull();
});

test("a project's deployments are listed newest first, page by page", async () => {
  const made: string[] = [];
  for (let n = 0; n < 5; n++) made.unshift((await put(newId("deployment"))).id);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listDeployments({ projectId: of.projectId, cursor, limit: 2 });
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual(made);
});
