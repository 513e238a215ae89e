import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { env } from "../env.ts";
import type { Command } from "./port.ts";
import type { Start } from "./run.ts";
import type { Tools } from "./tools.ts";
import type { Workspace } from "./workspace.ts";

/** What each process of a command may take. */
export interface ProcessLimits {
  /** Private memory, in bytes. */
  readonly memoryBytes: number;
  /** Of its user, threads counted. */
  readonly processes: number;
  /** The largest file, in bytes. */
  readonly fileBytes: number;
  readonly openFiles: number;
  readonly cpuSeconds: number;
  /** `/tmp` and shared memory each, in bytes. */
  readonly tmpBytes: number;
}

/** Programs of this machine that hold a command; null: there is none. */
export interface Holders {
  readonly bwrap: string | null;
  readonly prlimit: string | null;
}

export function findHolders(): Holders {
  return { bwrap: program("bwrap"), prlimit: program("prlimit") };
}

function program(name: string): string | null {
  const dirs = (env().PATH ?? "/usr/bin:/bin").split(delimiter);
  return dirs.map((dir) => join(dir, name)).find((path) => existsSync(path)) ?? null;
}

const WORK = "/workspace";

/** Variables of every command; those that it names itself come over them. */
function variables(home: string, path: string, more: Command["env"]): Record<string, string> {
  const npm = {
    npm_config_update_notifier: "false",
    npm_config_fund: "false",
    npm_config_audit: "false",
  };
  return { ...more, ...npm, CI: "1", LANG: "C.UTF-8", HOME: home, TMPDIR: home, PATH: path };
}

/**
 * A command in namespaces of its own: no network, no process and no file of the host but `/usr`, node and npm (read-only) and
 * the work tree. Its own root, `/dev` and `/proc` hold nothing that it could fill.
 */
export function boxed(about: {
  bwrap: string;
  prlimit: string;
  tools: Tools;
  space: Workspace;
  limits: ProcessLimits;
  /** Made by {@link writeEtc}. */
  etc: string;
  command: Command;
}): Start {
  const { bwrap, prlimit, tools, space, limits, etc, command } = about;
  const tmpfs = (path: string) => [
    "--perms",
    "1777",
    "--size",
    String(limits.tmpBytes),
    "--tmpfs",
    path,
  ];
  const readOnly = (from: string, to = from) => ["--ro-bind", from, to];
  const set = variables("/tmp", "/opt/bin:/usr/bin", command.env);
  const args = [
    ...["--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"],
    ...["--hostname", "sandbox", "--new-session", "--die-with-parent", "--cap-drop", "ALL"],
    ...readOnly("/usr"),
    ...["bin", "sbin", "lib", "lib32", "lib64"].flatMap((name) => [
      "--symlink",
      `usr/${name}`,
      `/${name}`,
    ]),
    ...["passwd", "group"].flatMap((name) => readOnly(join(etc, name), `/etc/${name}`)),
    ...["/etc/ld.so.cache", "/etc/alternatives"].flatMap((path) => ["--ro-bind-try", path, path]),
    ...readOnly(tools.node, "/opt/bin/node"),
    ...(tools.npm === null ? [] : readOnly(tools.npm, "/opt/npm")),
    ...["npm", "npx"].flatMap((name) => [
      "--symlink",
      `../npm/bin/${name}-cli.js`,
      `/opt/bin/${name}`,
    ]),
    ...["--proc", "/proc", "--dev", "/dev", ...tmpfs("/dev/shm"), "--remount-ro", "/dev"],
    ...[...tmpfs("/tmp"), "--bind", space.work, WORK, "--remount-ro", "/"],
    ...["--chdir", join(WORK, command.cwd ?? "")],
    ...Object.entries(set).flatMap(([name, value]) => ["--setenv", name, value]),
  ];
  return {
    argv: [bwrap, "--args", "3", "--", ...limited(prlimit, limits), ...command.argv],
    cwd: "/",
    // Of bubblewrap itself: its first process is one that the command can look at.
    env: {},
    // Nor does that process's command line then name paths of the host.
    input: args.map((argument) => `${argument}\0`).join(""),
    contained: true,
  };
}

/** A command as a process of this machine, with its limits where prlimit is. It is not isolated. */
export function plain(about: {
  prlimit: string | null;
  tools: Tools;
  space: Workspace;
  limits: ProcessLimits;
  command: Command;
}): Start {
  const { prlimit, tools, space, limits, command } = about;
  // The user's own other processes count, so their number is limited only where the user is one of its own.
  const bounded = space.uid === undefined ? { ...limits, processes: 0 } : limits;
  const [program, ...args] = programOf(command, tools);
  return {
    argv: [...(prlimit === null ? [] : limited(prlimit, bounded)), program, ...args] as [
      string,
      ...string[],
    ],
    cwd: join(space.work, command.cwd ?? ""),
    env: variables(space.home, `${tools.bin}:/usr/bin:/bin`, command.env),
    contained: false,
  };
}

function programOf({ argv }: Command, tools: Tools): readonly string[] {
  const [name, ...args] = argv;
  if (name === "node") return [tools.node, ...args];
  if (tools.npm !== null && (name === "npm" || name === "npx"))
    return [tools.node, join(tools.npm, "bin", `${name}-cli.js`), ...args];
  return argv;
}

function limited(prlimit: string, limits: ProcessLimits): string[] {
  const all = [
    `--data=${limits.memoryBytes}`,
    `--fsize=${limits.fileBytes}`,
    `--nofile=${limits.openFiles}`,
    `--cpu=${limits.cpuSeconds}`,
    "--core=0",
  ];
  return [prlimit, ...all, ...(limits.processes > 0 ? [`--nproc=${limits.processes}`] : []), "--"];
}

/** What programs want to know about their user; the same for all sandboxes. Returns the directory. */
export async function writeEtc(root: string): Promise<string> {
  const dir = join(root, "etc");
  await mkdir(dir, { recursive: true, mode: 0o755 });
  await writeFile(join(dir, "passwd"), "sandbox:x:1000:1000::/tmp:/bin/sh\n", { mode: 0o644 });
  await writeFile(join(dir, "group"), "sandbox:x:1000:\n", { mode: 0o644 });
  return dir;
}
