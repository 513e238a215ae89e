import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateDrizzleJson, generateMigration } from "drizzle-kit/api";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../test/setup/database.ts";
import { db } from "./client.ts";
import { migrate } from "./migrate.ts";
import * as schema from "./schema.ts";

const META = fileURLToPath(new URL("migrations/meta", import.meta.url));

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

test("migrating again, also several at once, changes nothing", async () => {
  const applied = sql`select count(*)::int as n from drizzle.__drizzle_migrations`;
  const before = (await db().execute(applied)).rows;
  await Promise.all([migrate(database), migrate(database), migrate(database)]);
  expect((await db().execute(applied)).rows).toEqual(before);
});

test("several that start on an empty database at once all succeed", async () => {
  await db().execute(sql`drop schema public cascade`);
  await db().execute(sql`drop schema drizzle cascade`);
  await db().execute(sql`create schema public`);
  await Promise.all([migrate(database), migrate(database), migrate(database)]);
  expect((await db().execute(sql`select count(*)::int as n from projects`)).rows).toEqual([
    { n: 0 },
  ]);
});

test("the migrations say what the schema says", async () => {
  const snapshots = (await readdir(META)).filter((name) => name.endsWith("_snapshot.json")).sort();
  const last = JSON.parse(await readFile(join(META, snapshots.at(-1) ?? ""), "utf8"));
  const now = generateDrizzleJson({ ...schema }, last.id);
  expect(await generateMigration(last, now)).toEqual([]);
});
