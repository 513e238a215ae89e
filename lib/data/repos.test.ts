import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { repos } from "#db/schema.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { newId } from "../ids.ts";
import { createProject } from "./projects.server.ts";
import { listRepoIds } from "./repos.server.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

async function project(slug: string): Promise<string> {
  const { id } = await createProject({ ownerUserId: "ann", slug, name: slug });
  return id;
}

async function connect(projectId: string, ids: readonly string[]): Promise<void> {
  const rows = ids.map((id) => ({
    ...{ id, projectId, owner: "ann", name: id, defaultBranch: "main" },
    ...{ htmlUrl: `https://github.com/ann/${id}`, cloneUrl: `https://github.com/ann/${id}.git` },
  }));
  await db().insert(repos).values(rows);
}

test("a project's repositories come in the order of their ids, and never another project's", async () => {
  const [one, other, none] = [await project("one"), await project("other"), await project("none")];
  const ids = Array.from({ length: 5 }, () => newId("repo")).sort();
  await connect(one, ids.toReversed());
  await connect(other, [newId("repo")]);
  expect(await listRepoIds({ projectId: one })).toEqual(ids);
  expect(await listRepoIds({ projectId: other })).toHaveLength(1);
  expect(await listRepoIds({ projectId: none })).toEqual([]);
});
