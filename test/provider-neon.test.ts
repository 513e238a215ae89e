import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, inject, test, vi } from "vitest";
import { openPool } from "#db/pool.ts";
import { InvalidInput, Later, NotFound, Unavailable } from "#lib/errors.ts";
import {
  createNeonProject,
  deleteNeonProject,
  findNeonProject,
  listNeonBranches,
  neonConnectionString,
  readNeonProject,
  testNeon,
} from "#lib/neon/projects.ts";
import { until } from "#local/client.ts";
import { testNeonApi } from "#local/neon-api/testing.ts";

let neon: Awaited<ReturnType<typeof testNeonApi>>;
const region = "aws-us-east-1";

beforeEach(async () => {
  neon = await testNeonApi(inject("neon"));
  point();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await neon[Symbol.asyncDispose]();
});

/** Points our code at the API, which has another port after each start. */
function point(): void {
  vi.stubEnv("NEON_API_URL", neon.part.env.NEON_API_URL);
  vi.stubEnv("NEON_API_KEY", neon.part.env.NEON_API_KEY);
  vi.stubEnv("NEON_WS_PROXY", inject("neon").wsProxy);
}

const soon = () => AbortSignal.timeout(10_000);
const create = (name: string, signal = soon()) => createNeonProject({ name, region }, signal);
const failure = async (call: Promise<unknown>): Promise<Error> => {
  try {
    await call;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not fail");
};

/** The name under which the server is known to PostgreSQL. */
const application = async () => `neon-api-${await readFile(join(neon.dir, "tag"), "utf8")}`;

async function query(url: string, text: string): Promise<unknown[]> {
  const pool = openPool({ url, wsProxy: inject("neon").wsProxy }, { poolSize: 1 });
  try {
    return (await pool.query(text)).rows;
  } finally {
    await pool.end();
  }
}

test("a project is made, read, found by its exact name, connected to and deleted with all that is its", async () => {
  const made = await create("shop-1");
  expect(made).toEqual({
    id: expect.stringMatching(/^[a-z]+-[a-z]+-\d+$/),
    name: "shop-1",
    region,
  });
  expect(await readNeonProject(made.id, soon())).toEqual(made);
  expect(await findNeonProject("shop-1", soon())).toEqual(made);
  expect(await findNeonProject("shop", soon())).toBeNull();
  expect(await listNeonBranches(made.id, soon())).toEqual([
    { id: expect.stringMatching(/^br-/), name: "main", isDefault: true },
  ]);
  const url = await neonConnectionString(made.id, soon());
  await query(url, "create table things (id int)");
  expect(await query(url, "select count(*)::int as n from things")).toEqual([{ n: 0 }]);
  expect(await testNeon(made.id, soon())).toMatchObject({
    database: new URL(url).pathname.slice(1),
  });
  await deleteNeonProject(made.id, soon());
  expect(await readNeonProject(made.id, soon())).toBeNull();
  expect(await findNeonProject("shop-1", soon())).toBeNull();
  expect(await neon.everything()).toEqual({ projects: [], databases: [], roles: [] });
  expect(await failure(testNeon(made.id, soon()))).toBeInstanceOf(NotFound);
  await deleteNeonProject(made.id, soon());
});

test("names may repeat: the older project is found, and when it is gone the other", async () => {
  const [first, second] = [await create("twice"), await create("twice")];
  expect(first.id).not.toBe(second.id);
  expect(await findNeonProject("twice", soon())).toEqual(first);
  await deleteNeonProject(first.id, soon());
  expect(await findNeonProject("twice", soon())).toEqual(second);
});

test("the role of one project opens no other's database, nor that of the server", async () => {
  const urls = [];
  for (const name of ["one", "two"]) {
    urls.push(new URL(await neonConnectionString((await create(name)).id, soon())));
  }
  const [one, two] = urls as [URL, URL];
  expect(await query(one.href, "select 1 as n")).toEqual([{ n: 1 }]);
  for (const database of [two.pathname, "/postgres", "/template1"]) {
    const other = new URL(one);
    other.pathname = database;
    const error = await failure(query(other.href, "select 1"));
    expect(error.message).toMatch(/permission denied for database/);
  }
  const wrong = new URL(one);
  wrong.password = "wrong";
  expect((await failure(query(wrong.href, "select 1"))).message).toMatch(/password/);
});

test("an organization is said when there is one, and only its projects are seen", async () => {
  vi.stubEnv("NEON_ORG_ID", "org-one-12345678");
  const made = await create("in-one");
  expect(await findNeonProject("in-one", soon())).toEqual(made);
  vi.stubEnv("NEON_ORG_ID", "org-two-12345678");
  expect(await findNeonProject("in-one", soon())).toBeNull();
});

test("what was answered survives the end and kill -9; key and password stay", async () => {
  const made = await create("lasting");
  const url = await neonConnectionString(made.id, soon());
  await query(url, "create table kept (id int)");
  const { NEON_API_KEY } = neon.part.env;
  await neon.restart();
  const part = await neon.asProcess();
  point();
  expect(await readNeonProject(made.id, soon())).toEqual(made);
  const second = await create("also-lasting");
  await part.kill();
  await neon.restart();
  point();
  expect(neon.part.env.NEON_API_KEY).toBe(NEON_API_KEY);
  expect(await findNeonProject("also-lasting", soon())).toEqual(second);
  expect(await neonConnectionString(made.id, soon())).toBe(url);
  expect(await query(url, "select * from kept")).toEqual([]);
}, 60_000);

test("killed at any moment of a creation or deletion, it leaves no database without a project, and no project without one", async () => {
  const names = Array.from({ length: 6 }, (_, i) => `killed-${i}`);
  const part = await neon.asProcess();
  point();
  const calls = names.map((name) => create(name).catch((error: unknown) => error));
  await until("a first database", async () => (await neon.everything()).databases.length > 0);
  await part.kill();
  const answers = await Promise.all(calls);
  await neon.restart();
  point();
  const { projects, databases, roles } = await neon.everything();
  expect(projects.every(({ state }) => state === "ready")).toBe(true);
  expect(databases).toEqual(projects.map(({ database }) => database).sort());
  expect(roles).toHaveLength(projects.length);
  for (const answer of answers) {
    if (answer instanceof Error) expect(answer).toBeInstanceOf(Unavailable);
    else
      expect(projects).toContainEqual(
        expect.objectContaining({ id: (answer as (typeof projects)[0]).id }),
      );
  }
  for (const { id } of projects) await testNeon(id, soon());

  const again = await neon.asProcess();
  point();
  const deleted = projects.map(({ id }) => deleteNeonProject(id, soon()).catch(() => null));
  await until("a first database gone", async () => {
    return (await neon.everything()).databases.length < projects.length;
  });
  await again.kill();
  await Promise.all(deleted);
  await neon.restart();
  const left = await neon.everything();
  expect(left.databases).toEqual(left.projects.map(({ database }) => database).sort());
  expect(left.roles).toHaveLength(left.projects.length);
}, 90_000);

test("what a killed process began is ended before its projects are looked at", async () => {
  const { url } = inject("neon");
  const named = new URL(url);
  named.searchParams.set("application_name", await application());
  const begun = failure(query(named.href, "select pg_sleep(600)"));
  const sleeping = `select 1 from pg_stat_activity where application_name = '${await application()}' and query like '%sleep(600)'`;
  await until("the statement", async () => (await query(url, sleeping)).length > 0);
  await neon.restart();
  point();
  expect((await begun).message).toMatch(/terminat/);
  expect(await query(url, sleeping)).toEqual([]);
});

test("what ends by itself while it is being ended is no reason not to start", async () => {
  const named = new URL(inject("neon").url);
  named.searchParams.set("application_name", await application());
  for (let round = 0; round < 5; round++) {
    // Each ends when its answer is there, some in the moment in which the server that starts has found it.
    const ending = Array.from({ length: 8 }, (_, n) =>
      query(named.href, `select pg_sleep(${n / 100})`).catch((error: Error) => error.message),
    );
    await query(named.href, "select 1");
    await neon.restart();
    point();
    for (const said of await Promise.all(ending)) {
      if (typeof said === "string") expect(said).toMatch(/terminat/);
    }
  }
});

test("what is half-made is made whole at the start, and what is half-removed goes", async () => {
  const names = ["no-role", "no-database", "not-answered", "removing", "removed"];
  const made = [];
  for (const name of names) made.push(await create(name));
  const { projects } = await neon.everything();
  await neon.part.close();
  const admin = (text: string) => query(inject("neon").url, text);
  const [noRole, noDatabase, , , removed] = projects as readonly (typeof projects)[number][];
  for (const { database } of [noRole, noDatabase, removed].filter((one) => one !== undefined)) {
    await admin(`drop database "${database}"`);
  }
  const roleOf = (database = "") => database.replace("neondb_", "neondb_owner_");
  await admin(`drop role "${roleOf(noRole?.database)}"`);
  const state = new DatabaseSync(join(neon.dir, "neon-api.db"));
  state.exec("UPDATE projects SET state = 'creating' WHERE name LIKE 'no%'");
  state.exec("UPDATE projects SET state = 'deleting' WHERE name LIKE 'remov%'");
  state.close();

  await neon.restart();
  point();
  for (const one of made.slice(0, 3)) {
    expect(await findNeonProject(one.name, soon())).toEqual(one);
    await testNeon(one.id, soon());
  }
  const left = await neon.everything();
  expect(left.projects.map(({ name }) => name)).toEqual(names.slice(0, 3));
  expect([left.databases.length, left.roles.length]).toEqual([3, 3]);
});

const STRIKES = [
  { fault: "before", error: Unavailable, made: 0 },
  { fault: "after", error: Unavailable, made: 1 },
  { fault: "error500", error: Unavailable, made: 0 },
  { fault: "close", error: Unavailable, made: 0 },
  { fault: "close-after", error: Unavailable, made: 1 },
  { fault: "rate", error: Later, made: 0, code: "neon_rate_limited" },
  { fault: "locked", error: Later, made: 0, code: "neon_busy" },
];
test.each(STRIKES)("$fault: the error says whether it may have been done ($made)", async (row) => {
  await neon.fault({ fault: row.fault });
  const error = await failure(create("struck"));
  expect(error).toBeInstanceOf(row.error);
  if (row.code) expect(error).toMatchObject({ code: row.code });
  expect((await neon.everything()).databases).toHaveLength(row.made);
  expect((await findNeonProject("struck", soon())) === null).toBe(row.made === 0);
  await create("struck");
  expect((await neon.everything()).databases).toHaveLength(row.made + 1);
});

test("a call that hangs ends with its signal, and what it did is found", async () => {
  await neon.fault({ fault: "hang-after" });
  const gone = new AbortController();
  const call = failure(create("hung", gone.signal));
  await until("the project", async () => {
    return (await neon.everything()).projects.some(({ state }) => state === "ready");
  });
  gone.abort();
  expect(await call).toBeInstanceOf(Unavailable);
  expect(await findNeonProject("hung", soon())).toMatchObject({ name: "hung" });
});

test("a new project that lists do not show yet is there all the same", async () => {
  await neon.fault({ fault: "delayed-reads", ms: 300 });
  const made = await create("late");
  expect(await findNeonProject("late", soon())).toBeNull();
  expect((await neon.everything()).projects).toHaveLength(1);
  await until("the project", () => findNeonProject("late", soon()));
  expect(await readNeonProject(made.id, soon())).toEqual(made);
});

test("a list that leaves projects out is no proof that one is not there", async () => {
  const body = JSON.stringify({ projects: [], unavailable_project_ids: ["cool-sun-12345678"] });
  await neon.fault({ fault: "echo", status: 200, body, on: "read" });
  expect(await failure(findNeonProject("maybe", soon()))).toMatchObject({
    code: "neon_list_incomplete",
    retry: true,
  });
});

test("refusals say what was refused; ids that are none are not sent", async () => {
  const error = await failure(createNeonProject({ name: "x", region: "mars-1" }, soon()));
  expect(error).toBeInstanceOf(InvalidInput);
  expect(error).toMatchObject({ code: "neon_refused", context: { status: 400 } });
  expect(error.message).toMatch(/mars-1/);
  for (const id of ["", "..", "../users/me"]) {
    expect(await readNeonProject(id, soon())).toBeNull();
    await deleteNeonProject(id, soon());
  }
  vi.stubEnv("NEON_API_KEY", "napi_wrong");
  expect(await failure(readNeonProject("cool-sun-12345678", soon()))).toMatchObject({
    code: "neon_key",
  });
});

test("no secret is in an error, not even below its cause", async () => {
  const { NEON_API_KEY = "" } = neon.part.env;
  const made = await create("quiet");
  const password = new URL(await neonConnectionString(made.id, soon())).password;
  const errors: unknown[] = [];
  for (const fault of ["error500", "close", "locked", "rate"]) {
    await neon.fault({ fault, on: "any" });
    errors.push(await failure(neonConnectionString(made.id, soon())));
  }
  const said = `your key ${NEON_API_KEY} and postgresql://owner:${password}@127.0.0.1/db`;
  await neon.fault({ fault: "echo", on: "read", body: said });
  errors.push(await failure(readNeonProject(made.id, soon())));
  await deleteNeonProject(made.id, soon());
  errors.push(await failure(testNeon(made.id, soon())));
  const text = inspect(errors, { depth: null, showHidden: true });
  expect(errors).toHaveLength(6);
  expect(text).not.toContain(NEON_API_KEY);
  expect(text).not.toContain(password);
});

test("a test of a database that refuses its role, or does not answer, fails and keeps the password", async () => {
  const made = await create("refused");
  const url = new URL(await neonConnectionString(made.id, soon()));
  await query(inject("neon").url, `alter role "${url.username}" nologin`);
  const error = await failure(testNeon(made.id, soon()));
  expect(error).toBeInstanceOf(Unavailable);
  expect(error).toMatchObject({ code: "database_unreachable" });
  expect(inspect(error, { depth: null })).not.toContain(url.password);
  vi.stubEnv("NEON_WS_PROXY", "127.0.0.1:1/v1");
  expect(await failure(testNeon(made.id, soon()))).toMatchObject({ code: "database_unreachable" });
  // The driver keeps the relay's address process-wide: back to the one that the local API needs.
  await query(inject("neon").url, "select 1");
});
