import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { approvals, projects, runs } from "#db/schema.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { listApprovals } from "./visible-approvals.server.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

/** Owner, project, approvers and status of each approval; each is a minute newer than the one before. */
const GIVEN = [
  ["ann", "a1", "carol", "pending"],
  ["bob", "b1", "ann", "pending"],
  ["ann", "a2", "ann", "denied"],
  ["bob", "b1", "carol", "pending"],
  ["ann", "a1", "ann carol", "pending"],
  ["bob", "b2", "ann", "denied"],
  ["ann", "deleting", "ann", "pending"],
  ["ann", "a2", "carol", "pending"],
] as const;

beforeAll(async () => {
  for (const [n, [ownerUserId, projectId, approvers, status]] of GIVEN.entries()) {
    const project = { id: projectId, ownerUserId, name: projectId, slug: projectId };
    const state = projectId === "deleting" ? "deleting" : "active";
    await db()
      .insert(projects)
      .values({ ...project, status: state })
      .onConflictDoNothing();
    const runId = `run_${n}`;
    const run = { id: runId, projectId, kind: "implementation" as const, input: {} };
    await db()
      .insert(runs)
      .values({ ...run, requestedBy: "ci" });
    const time = new Date(Date.UTC(2026, 0, 1, 0, n));
    const ids = { id: `appr_${n}`, projectId, runId };
    const plan = { scope: "ledger.write", intentSummary: "s", intentHash: "a".repeat(64) };
    const asked = { requestedBy: "ci", approvers: approvers.split(" "), policyVersion: 0 };
    await db()
      .insert(approvals)
      .values({ ...ids, ...plan, ...asked, status, createdAt: time, expiresAt: time });
  }
});

/** Places in {@link GIVEN} of what is listed, read in pages of two. */
async function listed(asked: Omit<Parameters<typeof listApprovals>[0], "cursor" | "limit">) {
  const seen: number[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await listApprovals({ ...asked, cursor, limit: 2 });
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map(({ id }) => Number(id.replace("appr_", ""))));
    cursor = page.nextCursor;
  }
  return seen;
}

test.each([
  ["of own projects and to be decided, each once", { userId: "ann" }, [7, 5, 4, 2, 1, 0]],
  ["only to be decided", { userId: "carol" }, [7, 4, 3, 0]],
  ["of one project", { userId: "ann", projectId: "a1" }, [4, 0]],
  ["of somebody else's project", { userId: "ann", projectId: "b1" }, [1]],
  ["in one state", { userId: "ann", status: "denied" as const }, [5, 2]],
  [
    "in one state, of one project",
    { userId: "ann", projectId: "a2", status: "pending" as const },
    [7],
  ],
  ["nothing", { userId: "eve" }, []],
])("approvals, newest first: %s", async (_, asked, expected) => {
  expect(await listed(asked)).toEqual(expected);
});
