import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { env } from "../env.ts";
import { InvalidInput, Unavailable } from "../errors.ts";
import { redactText } from "../redact.ts";

/** One call of git in one repository. */
export interface GitCall {
  /** The bare repository's directory. */
  readonly dir: string;
  readonly signal?: AbortSignal | undefined;
  /** How long git may run, in milliseconds; a minute unless said. */
  readonly timeoutMs?: number;
  /** How much it may write to standard output, in bytes; 64 MB unless said. */
  readonly maxBytes?: number;
  /** What it reads from standard input. */
  readonly input?: string | Uint8Array;
  /** Further variables, such as GIT_INDEX_FILE or those that name an author. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further configuration, also with secrets: it goes through the environment, where no process list shows it. */
  readonly config?: readonly (readonly [key: string, value: string])[];
}

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** The last 4 KB of what git said, redacted. */
  readonly stderr: string;
}

/** A running git whose output is read as it comes. */
export interface RunningGit {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** How it ended. Throws when it was stopped, and why. */
  readonly ended: Promise<{ exitCode: number; stderr: string }>;
  /** Ends it with all its helpers. Can be repeated. */
  stop(): void;
}

const TIMEOUT_MS = 60_000;
/** For a git that waits for who reads it: how long it may run, in milliseconds, while each of its files is written elsewhere. */
export const SLOW_READER_MS = 10 * 60_000;
const MAX_BYTES = 64 * 2 ** 20;
const STDERR_BYTES = 4096;

/**
 * Nothing that a repository or this machine says makes git run a program, ask a person, read a file outside the
 * repository or speak a protocol; whoever fetches allows the one that it needs.
 */
const CONFIG: readonly (readonly [string, string])[] = [
  ["protocol.allow", "never"],
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.attributesFile", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  ["core.askPass", ""],
  ["core.protectHFS", "true"],
  ["core.protectNTFS", "true"],
  // Larger objects are streamed, where git would otherwise hold up to 512 MB in memory.
  ["core.bigFileThreshold", "16m"],
  ["credential.helper", ""],
  ["diff.external", ""],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["safe.bareRepository", "explicit"],
  ["submodule.recurse", "false"],
  ["uploadpack.packObjectsHook", ""],
];

/**
 * Runs git to its end; an exit code other than 0 is an answer. Names that come from outside must have been checked (names.ts)
 * and stand after `--end-of-options` or `--`.
 * Throws Unavailable when it took too long or was aborted, InvalidInput when it said too much or is not installed.
 */
export async function runGit(args: readonly string[], call: GitCall): Promise<GitResult> {
  const running = startGit(args, call);
  const { maxBytes = MAX_BYTES } = call;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) {
      running.stop();
      await running.ended.catch(() => undefined);
      throw new InvalidInput(
        "git_output",
        `git ${args[0]} wrote more than the ${maxBytes} bytes that are allowed.`,
      );
    }
    chunks.push(chunk);
  }
  return { ...(await running.ended), stdout: Buffer.concat(chunks) };
}

/** What git wrote. Throws Unavailable for an exit code other than 0, and what {@link runGit} throws. */
export async function git(args: readonly string[], call: GitCall): Promise<Buffer> {
  const { exitCode, stdout, stderr } = await runGit(args, call);
  if (exitCode !== 0) throw gitFailed(args, { exitCode, stderr });
  return stdout;
}

/** The error for an exit code that nobody expected. */
export function gitFailed(
  args: readonly string[],
  { exitCode, stderr }: { exitCode: number; stderr: string },
): Unavailable {
  const message = `git ${args[0]} ended with ${exitCode}: ${stderr}`;
  return new Unavailable("git_failed", message, { exitCode });
}

/** Starts git for a caller that reads and writes while it runs; `maxBytes` is then the caller's to hold. */
export function startGit(args: readonly string[], call: GitCall): RunningGit {
  const { dir, signal, input, timeoutMs = TIMEOUT_MS, config = [] } = call;
  const child = spawn("git", [`--git-dir=${dir}`, "--no-pager", ...args], {
    cwd: "/",
    env: environment([...CONFIG, ...config], call.env),
    stdio: ["pipe", "pipe", "pipe"],
    // A group of its own, so that its helpers (git-remote-https, index-pack) end with it.
    detached: true,
  });
  let stopped: "time" | "abort" | "stop" | undefined;
  const stop = (why: "time" | "abort" | "stop") => {
    stopped ??= why;
    killGroup(child);
  };
  const timer = setTimeout(() => stop("time"), timeoutMs);
  const onAbort = () => stop("abort");
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();

  const secrets = config.map(([, value]) => value);
  const stderr = tailOf(child.stderr);
  const ended = new Promise<{ exitCode: number; stderr: string }>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => reject(startFailed(error)));
    child.once("close", (code) => {
      if (stopped === "time") {
        const message = `git ${args[0]} did not end within ${timeoutMs} ms.`;
        reject(new Unavailable("git_timeout", message));
      } else if (stopped !== undefined) {
        reject(new Unavailable("git_stopped", `git ${args[0]} was stopped.`));
      } else {
        resolve({ exitCode: code ?? -1, stderr: hide(stderr(), secrets) });
      }
    });
  }).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  });
  // Whoever reads the output first learns of the failure later; until then it is nobody's.
  ended.catch(() => undefined);
  // git may end before it has read everything; its exit code says what that means.
  child.stdin.on("error", () => undefined);
  if (input !== undefined) child.stdin.end(input);
  else if (!READS_LATER.has(args[0] ?? "")) child.stdin.end();
  return { stdin: child.stdin, stdout: child.stdout, ended, stop: () => stop("stop") };
}

/** Commands whose input is written while they run. */
const READS_LATER = new Set(["cat-file", "fast-import"]);

function environment(
  config: readonly (readonly [string, string])[],
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const pairs = config.flatMap(([key, value], i): [string, string][] => [
    [`GIT_CONFIG_KEY_${i}`, key],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ]);
  return {
    PATH: env().PATH ?? "/usr/local/bin:/usr/bin:/bin",
    // No file can be below it: no .netrc, no .gitconfig.
    HOME: "/dev/null",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_LFS_SKIP_SMUDGE: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_PROTOCOL_FROM_USER: "0",
    ...more,
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(pairs),
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

function tailOf(stream: Readable): () => string {
  let tail = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    tail = (tail + text).slice(-STDERR_BYTES);
  });
  return () => tail.trim();
}

function hide(text: string, secrets: readonly string[]): string {
  let hidden = text;
  for (const secret of secrets) {
    if (secret.length > 8) hidden = hidden.replaceAll(secret, "[redacted]");
  }
  return redactText(hidden);
}

function startFailed(error: NodeJS.ErrnoException): Error {
  if (error.code === "ENOENT")
    return new InvalidInput("git_missing", "git is not installed here: put it into PATH.");
  return new Unavailable("git_failed", `git could not be started: ${error.code}`, {}, error);
}
