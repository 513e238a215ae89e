import { createHash, randomBytes } from "node:crypto";
import { chown, lstat, mkdir, readdir, realpath, rename, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, sep } from "node:path";
import { Conflict, InvalidInput } from "../errors.ts";
import { log } from "../log.ts";
import { checkName, checkWorkPath } from "./names.ts";
import type { WorkFile } from "./port.ts";
import { removeTree } from "./remove.ts";

/** What one sandbox has on this machine. */
export interface Workspace {
  readonly dir: string;
  /** The work tree. */
  readonly work: string;
  /** Of commands that no box gives one of its own. */
  readonly home: string;
  /** Of processes that run in it, each a file with its pid. */
  readonly pids: string;
  /** Whom its files and processes belong to; undefined: us. */
  readonly uid: number | undefined;
}

export interface WorkspaceLimits {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/** What nobody has asked for in this long is removed when the next one is made. */
const FORGOTTEN_MS = 24 * 60 * 60_000;
/** No range of real users: systemd keeps it for services whose users exist only while they run. */
const FIRST_UID = 61_184;
const UIDS = 4_336;

/**
 * Where sandboxes of this user are: a directory that nobody else can write. As root it has to be one that other users can
 * get into, since commands run as such. Throws Conflict when somebody else made it.
 */
export async function sandboxRoot(parent = tmpdir()): Promise<string> {
  const us = process.getuid?.() ?? 0;
  const within = us !== 0 || (await canBeEntered(parent)) ? parent : "/tmp";
  const root = join(within, `countersign-sandboxes-${us}`);
  await mkdir(root, { recursive: true, mode: us === 0 ? 0o711 : 0o700 });
  const info = await lstat(root);
  const ours = info.isDirectory() && info.uid === us && (info.mode & 0o022) === 0;
  if (process.platform === "win32" || ours) return root;
  const what = `${root} is not a directory that only this user can write: remove it.`;
  throw new Conflict("sandbox_root", what);
}

/** Whether every user can get into a directory: it and all above it say so. */
async function canBeEntered(dir: string): Promise<boolean> {
  const path = await realpath(dir);
  const above = path.split(sep).map((_, at, parts) => parts.slice(0, at + 1).join(sep) || sep);
  const modes = await Promise.all(above.map(async (one) => (await stat(one)).mode));
  return modes.every((mode) => (mode & 0o001) !== 0);
}

/** Names and owner of a sandbox's directory; says nothing about whether it is there. */
export function workspaceAt(root: string, name: string): Workspace {
  checkName(name);
  const hash = createHash("sha256").update(name).digest().readUInt32BE(0);
  // Each sandbox its own user: it cannot signal another one, and its limit of processes is its own.
  const uid = process.getuid?.() === 0 ? FIRST_UID + (hash % UIDS) : undefined;
  return placed(join(root, name), uid);
}

function placed(dir: string, uid: number | undefined): Workspace {
  const [work, home, pids] = [join(dir, "work"), join(dir, "home"), join(dir, "pids")];
  return { dir, work, home, pids, uid };
}

/** Whether the sandbox is there. It shows under its name only when it is complete. */
export async function isMade({ dir }: Workspace): Promise<boolean> {
  return (await lstat(dir).catch(absent)) !== null;
}

/**
 * Makes the work tree aside and then shows it under its name; another process that was faster wins. Throws InvalidInput when
 * there are more files or bytes than may be.
 */
export async function makeWorkspace(
  space: Workspace,
  files: AsyncIterable<WorkFile>,
  limits: WorkspaceLimits,
): Promise<void> {
  await removeForgotten(dirname(space.dir));
  const { uid } = space;
  const aside = placed(`${space.dir}.${randomBytes(6).toString("hex")}`, uid);
  try {
    await mkdir(aside.dir, { mode: uid === undefined ? 0o700 : 0o711 });
    for (const dir of [aside.work, aside.home, aside.pids]) await mkdir(dir, { mode: 0o700 });
    await fill(aside.work, files, uid, limits);
    // Last: until then nobody but us could write there.
    for (const dir of [aside.work, aside.home]) if (uid !== undefined) await chown(dir, uid, uid);
    await rename(aside.dir, space.dir);
  } catch (error) {
    await removeTree(aside.dir);
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
}

async function fill(
  work: string,
  files: AsyncIterable<WorkFile>,
  uid: number | undefined,
  limits: WorkspaceLimits,
): Promise<void> {
  const made = new Set<string>();
  let [count, bytes] = [0, 0];
  for await (const file of files) {
    count += 1;
    bytes += file.bytes.length;
    if (count > limits.maxFiles || bytes > limits.maxBytes) {
      const what = `A sandbox starts with at most ${limits.maxFiles} files and ${limits.maxBytes} bytes.`;
      throw new InvalidInput("sandbox_too_large", what);
    }
    const path = join(work, checkWorkPath(file.path));
    for (const dir of missing(work, dirname(path), made)) {
      await mkdir(dir, { recursive: true, mode: 0o755 }).catch(twice(file.path));
      if (uid !== undefined) await chown(dir, uid, uid);
    }
    const mode = file.executable ? 0o755 : 0o644;
    await writeFile(path, file.bytes, { flag: "wx", mode }).catch(twice(file.path));
    if (uid !== undefined) await chown(path, uid, uid);
  }
}

/** Directories from the top down that have not been made yet. */
function missing(work: string, dir: string, made: Set<string>): string[] {
  const dirs: string[] = [];
  for (let at = dir; at !== work && !made.has(at); at = dirname(at)) dirs.unshift(at);
  for (const one of dirs) made.add(one);
  return dirs;
}

function twice(path: string) {
  return (error: NodeJS.ErrnoException): never => {
    if (error.code !== "EEXIST" && error.code !== "ENOTDIR") throw error;
    const what = `${path} is in the work tree twice, or also as a directory.`;
    throw new InvalidInput("sandbox_path", what, {}, error);
  };
}

/** Takes a sandbox from under its name and gives what is to be ended and removed; null when there is none. */
export async function takeAway(space: Workspace): Promise<Workspace | null> {
  const dir = `${space.dir}.${randomBytes(6).toString("hex")}`;
  const moved = await rename(space.dir, dir).then(() => true, absent);
  return moved ? placed(dir, space.uid) : null;
}

/** What cannot be removed is logged and stays: it must not keep others from being made. */
async function removeForgotten(root: string): Promise<void> {
  for (const entry of await readdir(root)) {
    // Only what is aside: it was never shown, or was taken away by somebody who died over it.
    if (!entry.includes(".")) continue;
    const path = join(root, entry);
    try {
      const info = await lstat(path).catch(absent);
      if (info && Date.now() - info.mtimeMs > FORGOTTEN_MS) await removeTree(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      log.warn("a sandbox that was left behind cannot be removed", { path, code });
    }
  }
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
