import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { generateDrizzleJson, generateMigration } from "drizzle-kit/api";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../test/setup/database.ts";
import { db } from "./client.ts";
import { directUrl, migrate } from "./migrate.ts";
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

async function emptied(): Promise<void> {
  await db().execute(sql`drop schema if exists drizzle cascade`);
  await db().execute(sql`drop schema public cascade`);
  await db().execute(sql`create schema public`);
}

/** Each migration's time, as often as it was applied. */
async function applied(): Promise<number[]> {
  const times = sql`select created_at from drizzle.__drizzle_migrations order by created_at, id`;
  const { rows } = await db().execute<{ created_at: string }>(times);
  return rows.map((row) => Number(row.created_at));
}

async function journal(): Promise<number[]> {
  const { entries } = JSON.parse(await readFile(join(META, "_journal.json"), "utf8"));
  return entries.map(({ when }: { when: number }) => when);
}

test("several that start on an empty database at once all succeed", async () => {
  await emptied();
  await Promise.all([migrate(database), migrate(database), migrate(database)]);
  expect(await applied()).toEqual(await journal());
  expect((await db().execute(sql`select count(*)::int as n from projects`)).rows).toEqual([
    { n: 0 },
  ]);
});

/** A build's last step as Vercel runs it. */
async function deploy(environment: Record<string, string>): Promise<string> {
  const script = fileURLToPath(new URL("migrate-on-deploy.ts", import.meta.url));
  const env = { PATH: process.env.PATH, ...environment };
  return (await promisify(execFile)(process.execPath, [script], { env })).stdout;
}

test("two builds for production at once both succeed, and each migration is applied once", async () => {
  await emptied();
  const production = { ...database.env, VERCEL_ENV: "production" };
  const said = await Promise.all([deploy(production), deploy(production)]);
  expect(said).toEqual(Array(2).fill("The database has the newest schema.\n"));
  expect(await applied()).toEqual(await journal());
});

test("a preview leaves the database alone, and a build without one succeeds", async () => {
  await emptied();
  expect(await deploy({ ...database.env, VERCEL_ENV: "preview" })).toContain("this is preview");
  expect(await deploy(database.env)).toContain("no build at Vercel");
  expect(await deploy({ VERCEL_ENV: "production" })).toContain("DATABASE_URL is not set");
  const tables = sql`select to_regclass('drizzle.__drizzle_migrations') as noted, to_regclass('projects') as made`;
  expect((await db().execute(tables)).rows).toEqual([{ noted: null, made: null }]);
});

test("a build whose database does not answer fails", async () => {
  const broken = { ...database.env, NEON_WS_PROXY: "127.0.0.1:9/v1", VERCEL_ENV: "production" };
  await expect(deploy(broken)).rejects.toThrow("Command failed");
});

test.each([
  [
    "postgres://me:p%40ss@ep-calm-sea-123-pooler.eu-central-1.aws.neon.tech/app?sslmode=require",
    "postgres://me:p%40ss@ep-calm-sea-123.eu-central-1.aws.neon.tech/app?sslmode=require",
  ],
  ["postgres://me@ep-calm-sea-123.eu-central-1.aws.neon.tech/app", null],
  ["postgres://me@my-pooler.example.com/app", null],
  ["postgres://me@x-pooler.neon.tech.example.com/app", null],
  ["host=somewhere dbname=app", null],
])("migrations go past Neon's pooler, and nowhere else: %s", (url, direct) => {
  expect(directUrl(url)).toBe(direct ?? url);
});

test("the migrations say what the schema says", async () => {
  const snapshots = (await readdir(META)).filter((name) => name.endsWith("_snapshot.json")).sort();
  const last = JSON.parse(await readFile(join(META, snapshots.at(-1) ?? ""), "utf8"));
  const now = generateDrizzleJson({ ...schema }, last.id);
  expect(await generateMigration(last, now)).toEqual([]);
});
