import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 10;
/** A supervised server stops by itself when its part is gone; one that has not by then has a part. */
const SUPERVISED_GRACE_MS = 10_000;
const FAST_STOP_MS = 10_000;
const IMMEDIATE_STOP_MS = 5_000;

/** What a server writes into postmaster.pid; `ready` once it accepts connections. */
export interface ServerFile {
  readonly pid: number;
  readonly ready: boolean;
}

/** Reads postmaster.pid of a data directory; undefined when there is none or it is still being written. */
export function readServerFile(dataDir: string): ServerFile | undefined {
  const path = join(dataDir, "postmaster.pid");
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, "utf8").split("\n");
  const pid = Number(lines[0]);
  return pid > 0 ? { pid, ready: lines[7]?.trim() === "ready" } : undefined;
}

/**
 * Makes sure that no server runs on `dataDir` any more. One that an earlier part left behind is stopped; its data is
 * as safe as after any stop. A process that merely got the old server's number is left alone.
 * Throws when another part is using the directory.
 */
export async function clearLeftover(
  dataDir: string,
  supervisedGraceMs = SUPERVISED_GRACE_MS,
): Promise<void> {
  const found = readServerFile(dataDir);
  if (!found) return;
  const { pid } = found;
  if (!isServerOf(pid, dataDir)) {
    // PostgreSQL itself would refuse to start while any process has that number.
    rmSync(join(dataDir, "postmaster.pid"), { force: true });
    return;
  }
  const gone = () => !isServerOf(pid, dataDir);
  if (isSupervised(pid, dataDir)) {
    if (await eventually(gone, supervisedGraceMs)) return;
    if (isSupervised(pid, dataDir)) {
      throw new Error(`${dataDir} is in use by a running local cloud (PostgreSQL process ${pid})`);
    }
  }
  for (const [signal, limit] of [
    ["SIGINT", FAST_STOP_MS],
    ["SIGQUIT", IMMEDIATE_STOP_MS],
  ] as const) {
    if (gone()) return;
    process.kill(pid, signal);
    if (await eventually(gone, limit)) return;
  }
  throw new Error(`PostgreSQL process ${pid} on ${dataDir} does not stop`);
}

/** Polls `condition` until it holds, for at most `limitMs`; answers whether it did. */
export async function eventually(condition: () => boolean, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Whether `pid` is a PostgreSQL server of this directory, and not one that has ended and only waits to be reaped. */
export function isServerOf(pid: number, dataDir: string): boolean {
  const command = commandOf(pid);
  return command.includes("postgres") && command.includes(`-D ${dataDir} `);
}

/** Whether the shell that ends the server with its part (see postgres.ts) is still its parent. */
function isSupervised(pid: number, dataDir: string): boolean {
  const parent = parentOf(pid);
  return parent > 1 && commandOf(parent).includes(`-D ${dataDir} `);
}

export function parentOf(pid: number): number {
  return Number(ps(pid, "ppid="));
}

function commandOf(pid: number): string {
  return ps(pid, "command=");
}

function ps(pid: number, column: string): string {
  const linux = `/proc/${pid}`;
  if (process.platform === "linux") {
    // Not through the ps program: small container images come without it.
    try {
      if (column === "command=") {
        return readFileSync(`${linux}/cmdline`, "utf8").replaceAll("\0", " ");
      }
      return readFileSync(`${linux}/status`, "utf8").match(/^PPid:\s*(\d+)/m)?.[1] ?? "";
    } catch {
      // The process has ended, possibly between two reads: it has no columns.
      return "";
    }
  }
  try {
    return execFileSync("ps", ["-ww", "-o", column, "-p", String(pid)], { encoding: "utf8" });
  } catch {
    // ps exits with 1 when there is no such process.
    return "";
  }
}
