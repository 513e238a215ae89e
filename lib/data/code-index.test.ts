import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { repos } from "#db/schema.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { newId } from "../ids.ts";
import { claimRepos } from "./code-index.server.ts";
import { createProject } from "./projects.server.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

test("repositories whose index did not end, or is of an older version, are claimed once an hour, before those that nobody has looked at for long; failed ones never", async () => {
  const { id: projectId } = await createProject({ ownerUserId: "ann", slug: "p", name: "p" });
  const sha = "a".repeat(40);
  const add = async (name: string, index: Partial<typeof repos.$inferInsert>, hoursAgo: number) => {
    const facts = { id: newId("repo"), projectId, owner: "o", name, defaultBranch: "main" };
    await db()
      .insert(repos)
      .values({ ...facts, htmlUrl: "u", cloneUrl: "u", ...index });
    const updatedAt = sql`now() - ${hoursAgo} * interval '1 hour'`;
    await db().update(repos).set({ updatedAt }).where(eq(repos.id, facts.id));
    return facts.id;
  };
  const whole = { indexedCommit: sha, indexVersion: 2 };
  const died = await add("died", { indexingCommit: sha }, 2);
  const older = await add("older", { indexedCommit: sha, indexVersion: 1 }, 2);
  await add("alive", { indexingCommit: sha }, 0);
  await add("whole", whole, 2);
  const unseen = await add("unseen", whole, 8);
  const longUnseen = await add("long unseen", whole, 30);
  await add("empty", {}, 30);
  await add("failed long ago", { ...whole, indexError: "too large" }, 30);
  await add("failed", { ...whole, indexVersion: 1, indexError: "too large" }, 2);
  const hour = 3_600_000;
  const claim = (limit: number) =>
    claimRepos({ leftBehindMs: hour, unseenMs: 6 * hour, version: 2, limit });
  const claimed = await claim(2);
  expect(claimed.map(({ repoId }) => repoId).sort()).toEqual([died, older].sort());
  claimed.push(...(await claim(1)));
  expect(claimed.at(-1)?.repoId).toBe(longUnseen);
  claimed.push(...(await claim(10)));
  expect(claimed.at(-1)?.repoId).toBe(unseen);
  for (const one of claimed) expect(one).toMatchObject({ branch: "main", commitSha: sha });
  expect(await claim(10)).toEqual([]);
});
