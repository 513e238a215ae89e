import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { freePort } from "../free-port.ts";
import { type Account, accountFor } from "./account.ts";
import { binaries } from "./binaries.ts";
import { clearLeftover, eventually, readServerFile } from "./leftover.ts";

const USER = "countersign";
/** Recovery after a crash replays the log first. */
const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;
const LOG_TAIL_CHARACTERS = 2_000;

/**
 * Runs the server and waits; stops it (fast shutdown) when standard input ends. So the server ends with the process
 * that holds the other end, however that ends. Arguments: the server's command line.
 */
const SUPERVISOR = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
trap : INT TERM
(trap - INT TERM; read -r _ <&3; kill -INT "$server") 2>/dev/null &
watcher=$!
exec 3<&- </dev/null
while kill -0 "$server" 2>/dev/null; do wait "$server"; code=$?; done
kill "$watcher" 2>/dev/null
exit "$code"
`;

export interface Postgres {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Stops the server and waits until it is gone; safe to call twice. */
  close(): Promise<void>;
}

/**
 * PostgreSQL on 127.0.0.1 and a free port, with its data, password and log under `dir`.
 * @param options.durable false turns off what protects data when the machine (not the process) dies, for tests
 */
export async function startPostgres(options: { dir: string; durable: boolean }): Promise<Postgres> {
  const dir = resolve(options.dir);
  // 0711: the server's account must pass through; what is inside has modes of its own.
  mkdirSync(dir, { recursive: true, mode: 0o711 });
  const dataDir = join(dir, "data");
  const programs = binaries();
  const account = accountFor(dataDir, [programs.postgres]);
  await clearLeftover(dataDir);
  const password = readPassword(dir);
  if (!existsSync(dataDir)) {
    await initialise({ ...options, dir, dataDir, initdb: programs.initdb, account, password });
  }
  const port = await freePort();
  const log = join(dir, "postgres.log");
  const child = spawnServer([programs.postgres, ...serverFlags(dataDir, port, options.durable)], {
    account,
    log,
  });
  try {
    await untilReady(child, dataDir, log);
  } catch (error) {
    await stop(child, dataDir);
    throw error;
  }
  return { port, user: USER, password, close: () => stop(child, dataDir) };
}

function serverFlags(dataDir: string, port: number, durable: boolean): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    // No socket file: its path would be too long for some checkouts, and nobody needs a second way in.
    unix_socket_directories: "",
    max_connections: 300,
    timezone: "UTC",
    // What goes wrong in a query is told to whoever sent it; the log would only collect their data.
    log_min_messages: "fatal",
    ...(durable ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return ["-D", dataDir, "-p", String(port), ...flags];
}

function spawnServer(command: readonly string[], to: { account: Account; log: string }) {
  const output = openSync(to.log, "w", 0o600);
  const { prefix, spawnAs } = to.account;
  const child = spawn("/bin/sh", ["-c", SUPERVISOR, "supervisor", ...prefix, ...command], {
    stdio: ["pipe", output, output],
    ...spawnAs,
    env: { LC_ALL: "C" },
  });
  closeSync(output);
  // A pipe to a supervisor that has gone breaks; its exit says so already.
  child.stdin?.on("error", () => {});
  return child;
}

async function untilReady(child: ChildProcess, dataDir: string, log: string): Promise<void> {
  const isReady = () => readServerFile(dataDir)?.ready === true;
  await eventually(() => isReady() || hasEnded(child), READY_LIMIT_MS);
  if (isReady() && !hasEnded(child)) return;
  const tail = readFileSync(log, "utf8").slice(-LOG_TAIL_CHARACTERS);
  throw new Error(`PostgreSQL did not start on ${dataDir}: ${tail}`);
}

/** Closes the supervisor's input, which makes it stop the server, and sees to it that both are gone. */
async function stop(child: ChildProcess, dataDir: string): Promise<void> {
  child.stdin?.end();
  if (!(await eventually(() => hasEnded(child), STOP_LIMIT_MS))) child.kill("SIGKILL");
  // A supervisor that was killed, by us or by others, has left its server behind.
  await clearLeftover(dataDir);
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

interface Cluster {
  readonly dir: string;
  readonly dataDir: string;
  readonly initdb: string;
  readonly account: Account;
  readonly password: string;
  readonly durable: boolean;
}

/** Makes the cluster beside its final place and renames it, so a half-made one is never taken for whole. */
async function initialise(cluster: Cluster): Promise<void> {
  const { prefix, owner } = cluster.account;
  const fresh = `${cluster.dataDir}.new`;
  const passwordFile = join(cluster.dir, "initdb.password");
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(passwordFile, cluster.password, { mode: 0o600 });
  if (owner) for (const path of [fresh, passwordFile]) chownSync(path, owner.uid, owner.gid);
  // Not SCRAM: the Neon driver derives its keys in plain JavaScript, 170 ms for every connection against 23 ms, and
  // the password only crosses the loopback. The builtin C.UTF-8 is Neon's default collation and does not depend on what this machine has installed.
  const flags = [
    `--username=${USER}`,
    "--auth=password",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
    ...(cluster.durable ? [] : ["--no-sync"]),
  ];
  const where = [`--pgdata=${fresh}`, `--pwfile=${passwordFile}`];
  try {
    await run([...prefix, cluster.initdb, ...where, ...flags], cluster.account);
  } finally {
    rmSync(passwordFile);
  }
  renameSync(fresh, cluster.dataDir);
}

async function run([command = "", ...args]: readonly string[], account: Account): Promise<void> {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], ...account.spawnAs });
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-LOG_TAIL_CHARACTERS);
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${errors}`);
}

/** The password of this directory, made up at the first start and readable by us alone. */
function readPassword(dir: string): string {
  const path = join(dir, "password");
  if (existsSync(path)) return readFileSync(path, "utf8");
  const password = randomBytes(24).toString("base64url");
  writeFileSync(path, password, { mode: 0o600 });
  return password;
}
