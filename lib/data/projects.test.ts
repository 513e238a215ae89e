import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { until } from "#local/client.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { Conflict, InvalidInput, NotFound } from "../errors.ts";
import { newId } from "../ids.ts";
import { appendAudit } from "./audit.server.ts";
import {
  beginProjectDelete,
  createProject,
  DELETED,
  deleteProject,
  getProject,
  listProjects,
  projectExists,
} from "./projects.server.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const named = (ownerUserId: string, slug: string) => ({ ownerUserId, slug, name: `The ${slug}` });

test("the same id is the same project, also when asked for many times at once", async () => {
  const id = newId("project");
  const made = await Promise.all(
    Array.from({ length: 12 }, () => createProject({ id, ...named("ann", "one") })),
  );
  expect(new Set(made.map((project) => project.createdAt.getTime())).size).toBe(1);
  expect(made[0]).toMatchObject({ id, ownerUserId: "ann", slug: "one", status: "active" });
});

test("another owner's id, and a slug in use, are conflicts; another owner may use the slug", async () => {
  const { id } = await createProject(named("bob", "two"));
  await expect(createProject({ id, ...named("eve", "three") })).rejects.toThrow(Conflict);
  await expect(createProject(named("bob", "two"))).rejects.toMatchObject({ code: "slug_taken" });
  await expect(createProject(named("eve", "two"))).resolves.toMatchObject({ ownerUserId: "eve" });
});

test("a refused creation leaves the caller's transaction usable", async () => {
  await db().transaction(async (tx) => {
    await createProject(named("tom", "first"), tx);
    await expect(createProject(named("tom", "first"), tx)).rejects.toThrow(Conflict);
    await createProject(named("tom", "second"), tx);
  });
  const { items } = await listProjects({ ownerUserId: "tom" });
  expect(items.map(({ slug }) => slug).sort()).toEqual(["first", "second"]);
});

test("the id of a deleted project is nobody's any more, also for whoever asked while it was being removed", async () => {
  const { id } = await createProject(named("lea", "gone"));
  await beginProjectDelete({ id });
  const early = await db().transaction(async (tx) => {
    await deleteProject({ id }, tx);
    const asked = createProject({ id, ...named("eve", "gone") }).catch((error) => error);
    await until("it waits for the deletion", async () => {
      const { rows } = await db().execute(sql`
        select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
      return rows.length > 0;
    });
    const entry = { projectId: id, actor: "lea", action: DELETED, subject: id, payload: {} };
    await appendAudit(entry, tx);
    // Not awaited here, where it would wait for itself.
    return { asked };
  });
  for (const refused of [
    await early.asked,
    await createProject({ id, ...named("lea", "gone") }).catch((error) => error),
  ]) {
    expect(refused).toMatchObject({ code: "project_id_taken", retry: false });
  }
  await expect(createProject(named("lea", "gone"))).resolves.toMatchObject({ slug: "gone" });
});

test("only its owner sees a project, and nobody one that is being deleted", async () => {
  const { id } = await createProject(named("kim", "mine"));
  await expect(getProject({ id, ownerUserId: "kim" })).resolves.toMatchObject({ id });
  const missing = await getProject({ id: "proj_x", ownerUserId: "kim" }).catch((error) => error);
  const foreign = await getProject({ id, ownerUserId: "eve" }).catch((error) => error);
  expect(missing).toBeInstanceOf(NotFound);
  expect(foreign.message.replace(id, "proj_x")).toBe(missing.message);

  expect(await beginProjectDelete({ id, ownerUserId: "eve" })).toBe(false);
  expect(await projectExists({ id })).toBe(true);
  expect(await beginProjectDelete({ id, ownerUserId: "kim" })).toBe(true);
  expect(await beginProjectDelete({ id })).toBe(true);
  expect(await projectExists({ id })).toBe(false);
  await expect(getProject({ id, ownerUserId: "kim" })).rejects.toThrow(NotFound);
  expect((await listProjects({ ownerUserId: "kim" })).items).toEqual([]);
  await expect(createProject({ id, ...named("kim", "mine") })).rejects.toMatchObject({
    code: "project_deleting",
  });
  expect(await deleteProject({ id })).toBe(true);
  expect(await deleteProject({ id })).toBe(false);
});

test("pages go from the newest to the oldest, each project once, also when projects come and change meanwhile", async () => {
  const ownerUserId = "zoe";
  const made: string[] = [];
  await db().transaction(async (tx) => {
    // One transaction: all have the same created_at, so the id alone orders them.
    for (let n = 0; n < 7; n += 1)
      made.push((await createProject(named(ownerUserId, `s${n}`), tx)).id);
  });
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listProjects({ ownerUserId, cursor, limit: 3 });
    seen.push(...page.items.map(({ id }) => id));
    if (seen.length === 3) await createProject(named(ownerUserId, "newcomer"));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual(made.sort().reverse());
});

test.each([
  { cursor: "nonsense" },
  { cursor: Buffer.from('["2026-01-01","x"]').toString("base64url") },
  { cursor: "" },
  { limit: 0 },
  { limit: 101 },
  { limit: 1.5 },
])("a list refuses %o", async (input) => {
  await expect(listProjects({ ownerUserId: "zoe", ...input })).rejects.toThrow(InvalidInput);
});
