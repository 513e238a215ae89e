import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** Of the effective user. */
  readonly uid: number;
  /** Resident memory, in bytes. */
  readonly bytes: number;
}

/*
 * /proc is memory: to read a file of it at once takes microseconds, and through a promise most of the time would go into the promise.
 * All processes are read four times a second while a command runs.
 */

/*
 * A process chooses its name, which stands first in `status`. The kernel writes a line feed in it as `\n`, so nothing but a line feed
 * begins a line here: `^` would also take what stands behind a carriage return.
 */
const PARENT = /\nPPid:\t(\d+)\n/;
const USER = /\nUid:\t\d+\t(\d+)\t/;
const RESIDENT = /\nVmRSS:\t *(\d+) kB\n/;

/** All processes that this one can see; none elsewhere than on Linux. */
export function listProcesses(): ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (const entry of entriesOfProc()) {
    const pid = Number(entry);
    const status = Number.isInteger(pid) ? readOf(pid, "status") : null;
    if (status === null) continue;
    found.push({
      pid,
      parent: Number(PARENT.exec(status)?.[1]),
      uid: Number(USER.exec(status)?.[1]),
      bytes: Number(RESIDENT.exec(status)?.[1] ?? 0) * 1024,
    });
  }
  return found;
}

/** When a process began, in ticks since boot, which tells it from a later one with its pid; null when it is gone. */
export function beginningOf(pid: number): string | null {
  const stat = readOf(pid, "stat");
  // The name, in parentheses, may hold anything.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}

function entriesOfProc(): string[] {
  try {
    return readdirSync("/proc");
  } catch {
    return [];
  }
}

function readOf(pid: number, file: "stat" | "status"): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // It ended while it was looked at.
    return null;
  }
}

/** A process with its children and theirs. */
export function withDescendants(all: readonly ProcessInfo[], pid: number): ProcessInfo[] {
  const children = Map.groupBy(all, ({ parent }) => parent);
  // A set, since they were not all read at the same moment: a number may be another process's by then.
  const found = new Set(all.filter((one) => one.pid === pid));
  for (const one of found) for (const child of children.get(one.pid) ?? []) found.add(child);
  return [...found];
}

const MAX_ROUNDS = 20;
/** For what was killed to be gone. */
const ROUND_MS = 20;

/**
 * Ends a group of processes with all descendants, and, when a user is named, all that this user has: in rounds, until none is
 * left, because one that is not dead yet can start another.
 */
export async function endProcesses({
  pid,
  uid,
}: {
  pid?: number;
  uid?: number | undefined;
}): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const all = listProcesses();
    const own = pid === undefined ? [] : withDescendants(all, pid);
    const of = uid === undefined ? [] : all.filter((one) => one.uid === uid);
    if (pid !== undefined) kill(-pid);
    const doomed = new Set([...own, ...of].map((one) => one.pid));
    for (const one of doomed) kill(one);
    if (of.length === 0) return;
    await setTimeout(ROUND_MS);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Gone, or become somebody else's by a program that may do so.
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
