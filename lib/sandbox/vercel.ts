import type { Sandbox as Vm } from "@vercel/sandbox";
import { env } from "../env.ts";
import { InvalidInput, NotFound, Unavailable } from "../errors.ts";
import { checkCommand, checkDirectory } from "./allow-list.ts";
import { checkName, checkWorkPath } from "./names.ts";
import type { Command, CommandResult, Sandbox, SandboxProvider, WorkFile } from "./port.ts";

const HOME = "/vercel/sandbox";
const WORK = `${HOME}/work`;
/** Written last: a sandbox without it has only part of its files. Beside the work tree, which commands may write. */
const READY = `${HOME}/ready`;
const LIFE_MS = 45 * 60_000;
/** One request carries this much. */
const BATCH = { files: 500, bytes: 8 * 2 ** 20 };
const MAX_READ_BYTES = 64 * 2 ** 20;
/** Whence packages are installed, without any program of theirs being run. */
const REGISTRY = "registry.npmjs.org";

export interface VercelOptions {
  /** Absent: the platform's own token, or VERCEL_TOKEN with VERCEL_TEAM_ID and VERCEL_PROJECT_ID. */
  readonly credentials?: { token: string; teamId: string; projectId: string };
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Sandboxes as microVMs of Vercel, found again by their name. They have no network but while packages are installed, which is
 * from the npm registry alone. Errors of the service are Unavailable when another try may help.
 */
export function vercelSandboxes(options: VercelOptions = {}): SandboxProvider {
  const access = () => ({ ...(options.credentials ?? credentials()), ...fetchOf(options) });
  return {
    async open({ name, files }) {
      const vm = await asked(async () => {
        const { Sandbox } = await import("./vercel-sdk.ts");
        return await Sandbox.getOrCreate({ ...access(), ...vmOf(checkName(name)), resume: true });
      });
      const ready = await asked(() => vm.readFileToBuffer({ path: READY }));
      if (ready === null) await fill(vm, files());
      return sandboxOf(name, vm, () => remove(access(), name));
    },
    stop: (name) => remove(access(), checkName(name)),
  };
}

/** How a sandbox is made. */
export function vmOf(name: string) {
  return {
    name,
    image: "vercel/sandbox/universal",
    timeout: LIFE_MS,
    resources: { vcpus: 2 },
    networkPolicy: "deny-all" as const,
    // What it holds comes from git; a snapshot would only keep it longer.
    persistent: false,
  };
}

/** A command as the service takes it. Its environment is its own: the service adds nothing of ours. */
export function requestOf({ argv, cwd, env: more, timeoutMs }: Command) {
  const [cmd, ...args] = argv;
  return {
    ...{ cmd, args, timeoutMs, detached: true as const },
    cwd: cwd === undefined ? WORK : `${WORK}/${cwd}`,
    env: { ...more, CI: "1" },
  };
}

function credentials() {
  const { VERCEL_TOKEN: token, VERCEL_TEAM_ID: teamId, VERCEL_PROJECT_ID: projectId } = env();
  if (token === undefined) return {};
  if (teamId !== undefined && projectId !== undefined) return { token, teamId, projectId };
  const what = "VERCEL_TOKEN needs VERCEL_TEAM_ID and VERCEL_PROJECT_ID beside it.";
  throw new InvalidInput("environment", what);
}

function fetchOf({ fetch }: VercelOptions) {
  return fetch === undefined ? {} : { fetch };
}

async function fill(vm: Vm, files: AsyncIterable<WorkFile>): Promise<void> {
  let batch: Parameters<Vm["writeFiles"]>[0] = [];
  let bytes = 0;
  const send = async () => {
    const sent = batch;
    [batch, bytes] = [[], 0];
    if (sent.length > 0) await asked(() => vm.writeFiles(sent));
  };
  await asked(() => vm.runCommand("mkdir", ["-p", WORK]));
  for await (const file of files) {
    const path = `${WORK}/${checkWorkPath(file.path)}`;
    batch.push({ path, content: file.bytes, mode: file.executable ? 0o755 : 0o644 });
    bytes += file.bytes.length;
    if (batch.length >= BATCH.files || bytes >= BATCH.bytes) await send();
  }
  await send();
  await asked(() => vm.writeFiles([{ path: READY, content: "ready" }]));
}

function sandboxOf(name: string, vm: Vm, stop: () => Promise<void>): Sandbox {
  return {
    name,
    isolation: "microvm",
    async run(command) {
      checkCommand(command.argv, command.env);
      checkDirectory(command.cwd);
      if (!installs(command)) return await runIn(vm, command);
      await asked(() => vm.update({ networkPolicy: { allow: [REGISTRY] } }));
      try {
        return await runIn(vm, command);
      } finally {
        await asked(() => vm.update({ networkPolicy: "deny-all" }));
      }
    },
    async read(path) {
      checkWorkPath(path);
      const stream = await asked(() => vm.readFile({ path: `${WORK}/${path}` }));
      if (stream === null)
        throw new NotFound("sandbox_no_file", `The sandbox has no file ${path}.`);
      return await bounded(stream, path);
    },
    async write(path, bytes) {
      const file = { path: `${WORK}/${checkWorkPath(path)}`, content: bytes };
      await asked(() => vm.writeFiles([file]));
    },
    stop,
  };
}

function installs({ argv: [program, verb = ""] }: Command): boolean {
  return ["npm", "pnpm", "yarn"].includes(program) && ["ci", "install"].includes(verb);
}

async function runIn(vm: Vm, command: Command): Promise<CommandResult> {
  const began = Date.now();
  const { signal, maxOutputBytes, onOutput, timeoutMs } = command;
  const chunks: Buffer[] = [];
  let [length, truncated] = [0, false];
  const running = await asked(() =>
    vm.runCommand({ ...requestOf(command), ...(signal && { signal }) }),
  );
  const kill = () => void running.kill("SIGKILL").catch(() => undefined);
  signal?.addEventListener("abort", kill);
  try {
    if (signal?.aborted) kill();
    // Streamed, and not awaited as a whole: the SDK would hold all of it.
    for await (const { data } of running.logs()) {
      const chunk = Buffer.from(data);
      const taken = chunk.subarray(0, Math.max(0, maxOutputBytes - length));
      if (taken.length < chunk.length) truncated = true;
      if (taken.length === 0) continue;
      length += taken.length;
      chunks.push(taken);
      onOutput?.(taken);
    }
    const { exitCode } = await asked(() => running.wait());
    const durationMs = Date.now() - began;
    const ended = endOf({ exitCode, durationMs, timeoutMs, aborted: signal?.aborted === true });
    const output = Buffer.concat(chunks);
    return { exitCode: ended === "exited" ? exitCode : null, ended, output, truncated, durationMs };
  } finally {
    signal?.removeEventListener("abort", kill);
  }
}

/** The service tells a command that it killed by its code alone, as a shell does. */
export function endOf(how: {
  exitCode: number;
  durationMs: number;
  timeoutMs: number;
  aborted: boolean;
}): CommandResult["ended"] {
  const killed = how.exitCode < 0 || how.exitCode > 128;
  if (!killed) return "exited";
  if (how.aborted) return "canceled";
  return how.durationMs >= how.timeoutMs ? "timeout" : "killed";
}

async function bounded(stream: NodeJS.ReadableStream, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_READ_BYTES) {
      const what = `${path} is larger than the ${MAX_READ_BYTES} bytes that are read.`;
      throw new InvalidInput("sandbox_file_too_large", what);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function remove(access: object, name: string): Promise<void> {
  await asked(async () => {
    const { APIError, Sandbox } = await import("./vercel-sdk.ts");
    try {
      const vm = await Sandbox.get({ ...access, name });
      await vm.delete();
    } catch (error) {
      if (!(error instanceof APIError) || error.response.status !== 404) throw error;
    }
  });
}

/** What the service says, as an error of ours: not to be tried again when it is our request that is wrong. */
async function asked<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    const { APIError } = await import("./vercel-sdk.ts");
    const status = error instanceof APIError ? error.response.status : 0;
    const what = `The Vercel Sandbox did not do it: ${error instanceof Error ? error.message : error}`;
    if (status >= 400 && status < 500 && ![408, 409, 410, 425, 429].includes(status))
      throw new InvalidInput("sandbox_refused", what, { status }, error);
    throw new Unavailable("sandbox_unavailable", what, { status }, error);
  }
}
