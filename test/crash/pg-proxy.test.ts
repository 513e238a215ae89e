import { sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { type Db, openDatabase } from "#db/client.ts";
import { until } from "#local/client.ts";
import { type PgProxy, type Statement, startPgProxy, type Watch } from "./pg-proxy.ts";

let proxy: PgProxy;
let database: Db;
let seen: Statement[];
/** What the running test makes of each statement. */
let watch: Partial<Watch>;

beforeEach(async () => {
  seen = [];
  watch = {};
  const server = inject("neon");
  proxy = await startPgProxy(server.wsProxy, {
    before(statement) {
      seen.push(statement);
      return watch.before?.(statement) ?? true;
    },
    after: (statement) => watch.after?.(statement) ?? true,
  });
  database = openDatabase({ url: server.url, wsProxy: `${proxy.host}/a` }, { poolSize: 3 });
  const table = `proxied_${process.pid}_${Date.now()}`;
  watched = sql.identifier(table);
  await database.execute(sql`create table ${watched} (n int primary key, said text)`);
  seen.length = 0;
});
afterEach(async () => {
  watch = {};
  await database.execute(sql`drop table ${watched}`);
  await database.$client.end();
  await proxy.close();
});

let watched: ReturnType<typeof sql.identifier>;
const numbers = async () => {
  const { rows } = await database.execute<{ n: number }>(sql`select n from ${watched} order by n`);
  return rows.map(({ n }) => n);
};
const isInsert = ({ sql }: Statement) => sql.startsWith("insert");

test("statements are seen with their parameters, and everything passes as without it", async () => {
  const large = "ü0123456789".repeat(200_000);
  await database.transaction(async (tx) => {
    await tx.execute(sql`insert into ${watched} values (${1}, ${large}), (${2}, ${null})`);
  });
  await expect(
    database.execute(sql`insert into ${watched} values (${1}, 'again')`),
  ).rejects.toMatchObject({ cause: { code: "23505" } });
  const { rows } = await database.execute(sql`select said from ${watched} where n = ${1}`);
  expect(rows).toEqual([{ said: large }]);
  expect(seen.map((one) => one.sql.split(" ")[0])).toEqual([
    "begin",
    "insert",
    "commit",
    "insert",
    "select",
  ]);
  expect(seen[1]).toMatchObject({ client: "a", params: ["1", large, "2", null] });
  expect(seen[0]?.connection).toBe(seen[2]?.connection);
});

test("cut before: the statement never reached the database, and its transaction is undone", async () => {
  watch.before = ({ sql }) => sql !== "commit";
  const failed = database.transaction((tx) => tx.execute(sql`insert into ${watched} values (1)`));
  await expect(failed).rejects.toThrow();
  watch = {};
  await until("the connection's end", async () => (await numbers()).length === 0);
});

test("cut after: the statement is done, and nobody was told", async () => {
  watch.after = (statement) => !isInsert(statement);
  await expect(database.execute(sql`insert into ${watched} values (1)`)).rejects.toThrow();
  watch = {};
  expect(await numbers()).toEqual([1]);
});

test("held: other connections go on, and so does this one when it is let go", async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  watch.before = (statement) =>
    isInsert(statement) && statement.params[0] === "1" ? promise : true;
  const held = database.execute(sql`insert into ${watched} values (${1})`);
  await database.execute(sql`insert into ${watched} values (${2})`);
  expect(await numbers()).toEqual([2]);
  resolve(true);
  await held;
  expect(await numbers()).toEqual([1, 2]);
});

test("a client's connections end together, another's stay", async () => {
  const server = inject("neon");
  const other = openDatabase({ url: server.url, wsProxy: `${proxy.host}/b` }, { poolSize: 1 });
  const pid = async (db: Db) =>
    (await db.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)).rows[0]?.pid;
  const [mine, theirs] = [await pid(database), await pid(other)];
  proxy.cut("a");
  await until("a new connection", async () => (await pid(database).catch(() => mine)) !== mine);
  expect(await pid(other)).toBe(theirs);
  await other.$client.end();
});
