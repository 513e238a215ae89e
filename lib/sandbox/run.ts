import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { Unavailable } from "../errors.ts";
import type { Command, CommandResult } from "./port.ts";
import { beginningOf, endProcesses } from "./processes.ts";
import { watchUsage } from "./watch.ts";
import type { Workspace } from "./workspace.ts";

/** A process to start, with what belongs to the box around it. */
export interface Start {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it can read from its file descriptor 3. */
  readonly input?: string;
  /** Whether all that it starts ends with it, as in a namespace of its own; otherwise its user's processes are ended. */
  readonly contained: boolean;
}

export interface Usage {
  /** Of the work tree, in bytes. */
  readonly maxDiskBytes: number;
  readonly maxFiles: number;
  /** Resident, of all processes together, in bytes. */
  readonly maxMemoryBytes: number;
}

/** Ended by a signal, also when a shell or the box says so by a number. Others mean what the program means by them. */
const SIGNALED = new Set([132, 133, 134, 135, 136, 137, 139, 152, 153]);
/** How long output may still come after the end. */
const DRAIN_MS = 2_000;

/**
 * Runs a process to its end, which comes at the command's deadline, its abort or a limit at the latest; nothing that it started
 * outlives it. Throws Unavailable when it cannot be started.
 */
export async function runProcess(
  start: Start,
  command: Command,
  space: Workspace,
  usage: Usage,
): Promise<CommandResult> {
  const began = Date.now();
  if (command.signal?.aborted)
    return {
      exitCode: null,
      ended: "canceled",
      output: Buffer.alloc(0),
      truncated: false,
      durationMs: 0,
    };
  const [file, ...args] = start.argv;
  const child = spawn(file, args, {
    cwd: start.cwd,
    env: { ...start.env },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
    ...(space.uid === undefined ? {} : { uid: space.uid, gid: space.uid }),
  });
  const output = collect(command);
  child.stdout?.on("data", output.add);
  child.stderr?.on("data", output.add);
  const closed = once(child, "close").catch(() => undefined);
  try {
    await once(child, "spawn");
  } catch (error) {
    const what = `The sandbox could not start ${file}: ${(error as Error).message}`;
    throw new Unavailable("sandbox_start", what, {}, error);
  }
  const pid = child.pid ?? 0;
  const input = child.stdio[3] as Writable;
  // It may have ended without reading.
  input.on("error", () => undefined);
  input.end(start.input ?? "");
  const uid = start.contained ? undefined : space.uid;
  const ended: { why?: "timeout" | "canceled" | "killed"; all?: Promise<void> } = {};
  const end = (why: "timeout" | "canceled" | "killed", note?: string) => {
    if (ended.why) return;
    ended.why = why;
    if (note) output.add(Buffer.from(`\n[ended: ${note}]\n`));
    // A failure shows as a process that goes on, which the wait below then ends again.
    ended.all = endProcesses({ pid, uid }).catch(() => undefined);
  };
  const note = await noteProcess(space, pid, () => end("killed"));
  const timer = setTimeout(
    () => end("timeout", `${command.timeoutMs} ms are over`),
    command.timeoutMs,
  );
  const abort = () => end("canceled");
  command.signal?.addEventListener("abort", abort);
  if (command.signal?.aborted) abort();
  const watch = watchUsage({
    pid,
    work: space.work,
    usage,
    exceeded: (what) => end("killed", what),
  });
  try {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  } finally {
    clearTimeout(timer);
    command.signal?.removeEventListener("abort", abort);
    watch.end();
    // Nothing that ends this user's processes may go on when the next command begins.
    await ended.all;
    await endProcesses({ pid, uid });
    await rm(note, { force: true });
  }
  input.destroy();
  const drained = setTimeout(() => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, DRAIN_MS);
  await closed;
  clearTimeout(drained);
  const signaled = child.exitCode === null || SIGNALED.has(child.exitCode);
  const how = ended.why ?? (signaled ? "killed" : "exited");
  const exitCode = how === "exited" ? child.exitCode : null;
  return { exitCode, ended: how, ...output.taken(), durationMs: Date.now() - began };
}

function collect({ maxOutputBytes, onOutput }: Command) {
  const chunks: Buffer[] = [];
  let length = 0;
  let truncated = false;
  return {
    add(chunk: Buffer) {
      const taken = chunk.subarray(0, Math.max(0, maxOutputBytes - length));
      if (taken.length < chunk.length) truncated = true;
      if (taken.length === 0) return;
      length += taken.length;
      chunks.push(taken);
      onOutput?.(taken);
    },
    taken: () => ({ output: Buffer.concat(chunks), truncated }),
  };
}

/** So that whoever stops the sandbox from another process finds what runs in it. */
async function noteProcess({ pids }: Workspace, pid: number, gone: () => void): Promise<string> {
  const path = join(pids, String(pid));
  try {
    await writeFile(path, beginningOf(pid) ?? "");
  } catch {
    // The sandbox was stopped meanwhile, by somebody who did not find this one.
    gone();
  }
  return path;
}
