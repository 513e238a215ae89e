import { readdir, readFile } from "node:fs/promises";

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** Of the effective user. */
  readonly uid: number;
  /** Resident memory, in bytes. */
  readonly bytes: number;
  /** When it began, in ticks since boot: tells it from a later one with its pid. */
  readonly began: string;
}

/** All processes that this one can see; none elsewhere than on Linux. */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const entries = await readdir("/proc").catch(() => []);
  const pids = entries.filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(pids.map((pid) => processInfo(Number(pid))));
  return found.filter((one) => one !== null);
}

/** One process; null when it is gone. */
export async function processInfo(pid: number): Promise<ProcessInfo | null> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "latin1"),
      readFile(`/proc/${pid}/status`, "latin1"),
    ]);
    // The name, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      pid,
      parent: Number(fields[1]),
      uid: Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]),
      bytes: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024,
      began: fields[19] ?? "",
    };
  } catch {
    // It ended while it was looked at.
    return null;
  }
}

/** A process with its children and theirs. */
export function withDescendants(all: readonly ProcessInfo[], pid: number): ProcessInfo[] {
  const children = Map.groupBy(all, ({ parent }) => parent);
  const found = all.filter((one) => one.pid === pid);
  for (const one of found) found.push(...(children.get(one.pid) ?? []));
  return found;
}

const MAX_ROUNDS = 20;

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
    const all = await listProcesses();
    const own = pid === undefined ? [] : withDescendants(all, pid);
    const of = uid === undefined ? [] : all.filter((one) => one.uid === uid);
    if (pid !== undefined) kill(-pid);
    const doomed = new Set([...own, ...of].map((one) => one.pid));
    for (const one of doomed) kill(one);
    if (of.length === 0) return;
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
