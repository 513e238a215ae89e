import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { LocalPart, PartOptions } from "./part.ts";

interface Ready {
  readonly ready: { name: string; url: string; env: Record<string, string> };
}

/**
 * Runs a part as this process: used at the end of every `local/<part>/main.ts`.
 * Options come from argv (`--dir`, `--port`); readiness goes to the parent over IPC, or to stdout when
 * started by hand. Ends cleanly on SIGINT, SIGTERM and when the parent goes away, so nothing is orphaned.
 */
export async function runPart(
  start: (options: PartOptions) => Promise<LocalPart>,
  options: PartOptions,
): Promise<void> {
  const part = await start(options);
  let closing = false;
  const stop = async () => {
    if (closing) return;
    closing = true;
    await part.close();
    process.exit(0);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop).on("disconnect", stop);
  const message: Ready = { ready: { name: part.name, url: part.url, env: { ...part.env } } };
  if (process.send) process.send(message);
  else console.log(`${part.name} at ${part.url}`);
}

/** A part in a process of its own, so that it can be killed and does not share our event loop. */
export interface PartProcess extends LocalPart {
  readonly child: ChildProcess;
  /** SIGKILL, then waits for the exit: what a power cut does to the part. */
  kill(): Promise<void>;
}

export interface PartProcessOptions extends PartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What Node is told, besides what ours was. */
  readonly nodeFlags?: readonly string[];
  /** By how much its clock is ahead of ours. */
  readonly clockAheadMs?: number;
  /** Gets each line that the part prints; absent: they go where ours go. */
  readonly onLine?: (line: string) => void;
}

const CLOCK = new URL("./clock.ts", import.meta.url).href;

/** How much of what a part printed is in the error when it does not start: enough for one stack trace. */
const LINES_OF_FAILURE = 30;

/**
 * Starts `entry` (an absolute path of a module that ends in {@link runPart}) and waits until it is ready.
 * Throws with the child's exit code and its last lines when it ends before that.
 */
export async function startPartProcess(
  entry: string,
  options: PartProcessOptions,
): Promise<PartProcess> {
  const args = ["--dir", options.dir, "--port", String(options.port ?? 0), ...(options.args ?? [])];
  const output = options.onLine ? "pipe" : "inherit";
  const { clockAheadMs: ahead = 0, nodeFlags = [] } = options;
  const child = fork(entry, args, {
    env: { ...process.env, ...options.env, ...(ahead && { LOCAL_CLOCK_AHEAD_MS: String(ahead) }) },
    execArgv: [...process.execArgv, ...nodeFlags, ...(ahead ? ["--import", CLOCK] : [])],
    stdio: ["ignore", output, output, "ipc"],
    // The parent handles Ctrl-C and closes its parts in order; without this they would all get it at once.
    detached: true,
  });
  const said: string[] = [];
  const hear = (line: string) => {
    if (said.push(line) > LINES_OF_FAILURE) said.shift();
    options.onLine?.(line);
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on("line", hear);
  }
  const ready = await new Promise<Ready["ready"]>((resolve, reject) => {
    child.once("message", (message) => resolve((message as Ready).ready));
    child.once("error", reject);
    // "close" and not "exit": only then has all been heard that it said.
    child.once("close", (code, signal) => {
      const end = signal ?? `exit code ${code}`;
      reject(new Error([`${entry} ended before it was ready (${end})`, ...said].join("\n")));
    });
  });
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  return { ...ready, child, close: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

/** Reads `--dir` and `--port` of a part's command line; the rest is left to the part. */
export function partOptions(argv: readonly string[], defaultDir: string): PartOptions {
  const value = (name: string) => {
    const at = argv.indexOf(name);
    return at === -1 ? undefined : argv[at + 1];
  };
  return { dir: value("--dir") ?? defaultDir, port: Number(value("--port") ?? 0) };
}
