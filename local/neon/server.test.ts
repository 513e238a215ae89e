import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import WebSocket from "ws";
import { type Db, openDatabase } from "#db/client.ts";
import type { LocalPart } from "../part.ts";
import { type PartProcess, startPartProcess } from "../process.ts";
import { clearLeftover, eventually, isServerOf, parentOf, readServerFile } from "./leftover.ts";
import { startNeon } from "./server.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

let dir: string;
/** What a test opened, closed in reverse order however it ended. */
let opened: (() => Promise<void>)[];

// One directory for all, because making a cluster takes longer than everything else here.
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "countersign-neon-"));
  await chmod(dir, 0o711);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

beforeEach(() => {
  opened = [];
});
afterEach(async () => {
  for (const close of opened.reverse()) await close();
});

function open(part: LocalPart): Db {
  const { DATABASE_URL: url = "", NEON_WS_PROXY: wsProxy } = part.env;
  const database = openDatabase({ url, wsProxy }, { poolSize: 4 });
  opened.push(() => database.$client.end());
  return database;
}

async function start(options: { durable?: boolean } = {}): Promise<LocalPart> {
  const part = await startNeon({ dir, durable: false, ...options });
  opened.push(() => part.close());
  return part;
}

async function startProcess(): Promise<PartProcess> {
  const part = await startPartProcess(MAIN, { dir });
  opened.push(() => part.close());
  return part;
}

const serverPid = () => readServerFile(join(dir, "data"))?.pid ?? 0;

function childrenOf(pid: number): number[] {
  const all =
    process.platform === "linux"
      ? readdirSync("/proc")
      : execFileSync("ps", ["-A", "-o", "pid="], { encoding: "utf8" }).split("\n");
  return all.map(Number).filter((one) => one > 0 && parentOf(one) === pid);
}

const isRunning = (pid: number) => isServerOf(pid, join(dir, "data"));

async function numbers(database: Db): Promise<number[]> {
  const { rows } = await database.execute<{ n: number }>(
    sql`select n from acknowledged order by n`,
  );
  return rows.map(({ n }) => n);
}

/** Inserts 0, 1, 2… one by one until the server breaks; `acknowledged` are those that it confirmed. */
function insertUntilBroken(database: Db) {
  const acknowledged: number[] = [];
  const broken = (async () => {
    for (let n = 0; ; n += 1) {
      await database.execute(sql`insert into acknowledged values (${n})`);
      acknowledged.push(n);
    }
  })().catch(() => acknowledged);
  return { acknowledged, broken };
}

test("a restart on the same directory keeps the data, and close leaves no process", async () => {
  const first = await start();
  const pid = serverPid();
  await open(first).execute(sql`create table kept as select 7 as n`);
  await first.close();
  await first.close();
  expect(isRunning(pid)).toBe(false);
  expect(existsSync(join(dir, "data/postmaster.pid"))).toBe(false);

  const second = await start();
  const { rows } = await open(second).execute(sql`select n from kept`);
  expect(rows).toEqual([{ n: 7 }]);
});

test("the password is made up per directory and readable by its owner alone", async () => {
  const part = await start();
  const { password } = new URL(part.url);
  expect(password.length).toBeGreaterThan(20);
  expect(statSync(join(dir, "password")).mode & 0o777).toBe(0o600);
  const wrong = openDatabase({
    url: part.url.replace(password, "wrong"),
    wsProxy: part.env.NEON_WS_PROXY,
  });
  opened.push(() => wrong.$client.end());
  await expect(wrong.execute(sql`select 1`)).rejects.toMatchObject({
    cause: { message: expect.stringContaining("password authentication failed") },
  });
});

test.each([
  { what: "the part's whole process group", kill: (part: PartProcess) => -(part.child.pid ?? 0) },
  { what: "the part alone", kill: (part: PartProcess) => part.child.pid ?? 0 },
])("kill -9 of $what during inserts loses nothing that was acknowledged", async ({ kill }) => {
  const part = await startProcess();
  const database = open(part);
  await database.execute(sql`drop table if exists acknowledged`);
  await database.execute(sql`create table acknowledged (n int primary key)`);
  const { acknowledged, broken } = insertUntilBroken(database);
  await eventually(() => acknowledged.length >= 60, 15_000);
  process.kill(kill(part), "SIGKILL");
  await broken;
  expect(acknowledged.length).toBeGreaterThanOrEqual(60);

  // At once, so that the killed part's server may still be there.
  const again = await startProcess();
  const kept = await numbers(open(again));
  expect(kept).toEqual(expect.arrayContaining(acknowledged));
  // The one that was under way may have been written without our hearing of it.
  expect(kept.length - acknowledged.length).toBeLessThanOrEqual(1);
});

test("a server that was left without its supervisor is stopped by the next start", async () => {
  const part = await startProcess();
  const pid = serverPid();
  const supervisor = parentOf(pid);
  // The supervisor and who watches for it first, so that they cannot do their work.
  const watchers = childrenOf(supervisor).filter((child) => child !== pid);
  expect(watchers).toHaveLength(1);
  for (const one of [supervisor, ...watchers]) process.kill(one, "SIGKILL");
  await part.kill();
  expect(isRunning(pid)).toBe(true);
  const again = await start();
  expect(isRunning(pid)).toBe(false);
  expect((await open(again).execute(sql`select 1 as n`)).rows).toEqual([{ n: 1 }]);
});

test("a directory that only we may enter will do, also for root, who runs the server as somebody else", async () => {
  const closed = join(dir, "closed");
  await mkdir(closed, { mode: 0o700 });
  const part = await startNeon({ dir: join(closed, "neon"), durable: false });
  opened.push(() => part.close());
  expect((await open(part).execute(sql`select 1 as n`)).rows).toEqual([{ n: 1 }]);
});

test("a directory that a running part uses is refused and left alone", async () => {
  const part = await start();
  const pid = serverPid();
  await expect(clearLeftover(join(dir, "data"), 100)).rejects.toThrow(/in use/);
  expect(serverPid()).toBe(pid);
  expect((await open(part).execute(sql`select 1 as n`)).rows).toEqual([{ n: 1 }]);
});

test("a pid file that names some other process does not stop it, nor the start", async () => {
  await (await start()).close();
  await writeFile(join(dir, "data/postmaster.pid"), `${process.ppid}\n${dir}/data\n`);
  const again = await start();
  expect((await open(again).execute(sql`select 1 as n`)).rows).toEqual([{ n: 1 }]);
  expect(process.kill(process.ppid, 0)).toBe(true);
});

test("the relay answers one path, no web page, and leads to its own database only", async () => {
  const part = await start();
  const relay = `${part.env.NEON_WS_PROXY}`;
  expect((await fetch(`http://${relay}`)).status).toBe(501);
  expect(await handshake(`ws://${relay.replace("/v1", "/other")}`)).toBe(403);
  expect(await handshake(`ws://${relay}`, "http://example.com")).toBe(403);
  expect(await handshake(`ws://${relay}?address=127.0.0.1:1`)).toBe(101);
  const elsewhere = new URL(part.url);
  elsewhere.host = "db.example.com:1";
  const database = openDatabase({ url: elsewhere.href, wsProxy: relay });
  opened.push(() => database.$client.end());
  expect((await database.execute(sql`select 1 as n`)).rows).toEqual([{ n: 1 }]);
});

test("large results and large parameters pass through whole", async () => {
  const database = open(await start());
  const text = "0123456789abcdef".repeat(1 << 18);
  const { rows } = await database.execute<{ n: number; copy: string }>(
    sql`select length(${text}::text) as n, repeat(${text}::text, 2) as copy`,
  );
  expect(rows[0]?.n).toBe(text.length);
  expect(rows[0]?.copy === text + text).toBe(true);
});

/** The HTTP status that an upgrade is answered with. */
async function handshake(url: string, origin?: string): Promise<number> {
  const socket = new WebSocket(url, origin === undefined ? {} : { origin });
  const status = await new Promise<number>((resolve, reject) => {
    socket.on("open", () => resolve(101));
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    socket.on("error", reject);
  });
  socket.terminate();
  return status;
}
