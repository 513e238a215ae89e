import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Conflict, NotFound } from "../errors.ts";
import { log } from "../log.ts";
import { checkCommand, checkDirectory } from "./allow-list.ts";
import { boxed, findHolders, type Holders, type ProcessLimits, plain, writeEtc } from "./box.ts";
import { checkName } from "./names.ts";
import { readInside, writeInside } from "./paths.ts";
import type { Command, CommandResult, Isolation, Sandbox, SandboxProvider } from "./port.ts";
import { beginningOf, endProcesses } from "./processes.ts";
import { removeTree } from "./remove.ts";
import { runProcess, type Usage } from "./run.ts";
import { findTools, type Tools } from "./tools.ts";
import {
  isMade,
  makeWorkspace,
  sandboxRoot,
  takeAway,
  type Workspace,
  workspaceAt,
} from "./workspace.ts";

const [MB, GB] = [2 ** 20, 2 ** 30];

export type LocalLimits = ProcessLimits & Usage;

const LIMITS: LocalLimits = {
  memoryBytes: 3 * GB,
  maxMemoryBytes: 4 * GB,
  processes: 256,
  fileBytes: 512 * MB,
  openFiles: 8192,
  cpuSeconds: 900,
  tmpBytes: 256 * MB,
  maxDiskBytes: 2 * GB,
  maxFiles: 300_000,
};
const MAX_READ_BYTES = 64 * MB;

export interface LocalOptions {
  /** Where sandboxes are; absent: in the directory for temporary files. */
  readonly root?: string;
  /** Over those that suit a repository's tests. */
  readonly limits?: Partial<LocalLimits>;
  /** Absent: found in PATH. */
  readonly holders?: Holders;
}

/** What this machine can do, found out once: bubblewrap is believed only when it has held a command. */
interface Machine extends Holders {
  readonly root: string;
  readonly etc: string;
  readonly tools: Tools;
  readonly limits: LocalLimits;
  readonly isolation: Isolation;
}

/**
 * Sandboxes on this machine: directories, whose commands run in bubblewrap as a user of their own, each with its limits. Where
 * bubblewrap is missing or the kernel does not let it, they are processes that nothing holds, for trusted repositories alone.
 */
export function localSandboxes(options: LocalOptions = {}): SandboxProvider {
  let found: Promise<Machine> | undefined;
  const machine = () => {
    found ??= findMachine(options).catch((error) => {
      found = undefined;
      throw error;
    });
    return found;
  };
  return {
    async open({ name, files, trusted }) {
      checkName(name);
      const host = await machine();
      if (host.isolation === "not isolated" && !trusted) {
        const what =
          "This machine has no bubblewrap that works, so only repositories in SANDBOX_TRUSTED_REPOS may run commands here.";
        throw new Conflict("sandbox_not_isolated", what);
      }
      const space = workspaceAt(host.root, name);
      if (!(await isMade(space))) {
        const { maxDiskBytes: maxBytes, maxFiles } = host.limits;
        await makeWorkspace(space, files(), { maxBytes, maxFiles });
      }
      return sandboxOf(name, space, host);
    },
    async stop(name) {
      await remove(workspaceAt((await machine()).root, name));
    },
  };
}

function sandboxOf(name: string, space: Workspace, host: Machine): Sandbox {
  return {
    name,
    isolation: host.isolation,
    async run(command) {
      checkCommand(command.argv, command.env);
      checkDirectory(command.cwd);
      if (!(await isMade(space))) throw gone(name);
      return await runIn(space, host, command);
    },
    async read(path) {
      if (!(await isMade(space))) throw gone(name);
      return await readInside(space.work, path, MAX_READ_BYTES);
    },
    async write(path, bytes) {
      if (!(await isMade(space))) throw gone(name);
      await writeInside(space.work, path, bytes, { owner: space.uid });
    },
    async stop() {
      await remove(space);
    },
  };
}

function gone(name: string): NotFound {
  return new NotFound("sandbox_gone", `The sandbox ${name} has been stopped.`);
}

async function runIn(space: Workspace, host: Machine, command: Command): Promise<CommandResult> {
  const { tools, limits, prlimit, bwrap, etc, isolation } = host;
  const start =
    isolation === "bubblewrap" && bwrap !== null && prlimit !== null
      ? boxed({ bwrap, prlimit, tools, space, limits, etc, command })
      : plain({ prlimit, tools, space, limits, command });
  return await runProcess(start, command, space, limits);
}

/** Ends what runs in a sandbox, whoever started it, and removes it. */
async function remove(space: Workspace): Promise<void> {
  const taken = await takeAway(space);
  if (!taken) return;
  for (const name of await readdir(taken.pids)) {
    const [pid, began] = [Number(name), await readFile(join(taken.pids, name), "utf8")];
    // Another process has its number by now, unless it began at the same time.
    if (beginningOf(pid) === began) await endProcesses({ pid });
  }
  await endProcesses({ uid: taken.uid });
  await removeTree(taken.dir);
}

async function findMachine(options: LocalOptions): Promise<Machine> {
  const root = await sandboxRoot(options.root);
  const holders = options.holders ?? findHolders();
  const tools = await findTools(root, process.getuid?.() === 0);
  const limits = { ...LIMITS, ...options.limits };
  const host: Machine = {
    ...holders,
    ...{ root, tools, limits, etc: await writeEtc(root), isolation: "bubblewrap" },
  };
  const why = await cannotHold(host);
  if (why === null) return host;
  log.warn("commands of repositories are not isolated on this machine", { why });
  return { ...host, isolation: "not isolated" };
}

/** Why bubblewrap does not hold commands here, found by starting one; null when it does. */
async function cannotHold(host: Machine): Promise<string | null> {
  if (process.platform !== "linux") return "only Linux has namespaces";
  if (host.bwrap === null) return "bubblewrap is not installed";
  if (host.prlimit === null) return "prlimit is not installed";
  const space = workspaceAt(host.root, `probe-${process.pid}`);
  try {
    await makeWorkspace(space, nothing(), { maxBytes: 0, maxFiles: 0 });
    const argv = ["node", "--version"] as const;
    const probe: Command = { argv, timeoutMs: 10_000, maxOutputBytes: 4096 };
    const { exitCode, output } = await runIn(space, host, probe);
    return exitCode === 0 ? null : `bubblewrap: ${output.toString("utf8").trim()}`;
  } finally {
    await remove(space);
  }
}

async function* nothing() {}
