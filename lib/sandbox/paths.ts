import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readlink,
  realpath,
  rename,
  rm,
} from "node:fs/promises";
import { join, sep } from "node:path";
import { InvalidInput, NotFound } from "../errors.ts";
import { checkWorkPath } from "./names.ts";

const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_DIRECTORY, O_NOFOLLOW, O_WRONLY, O_CREAT, O_EXCL } =
  constants;

/**
 * A regular file below `root`, at most `maxBytes`. Links are followed as long as they end inside: it is looked at where what was
 * opened really is, so a link that is changed meanwhile gains nothing. Throws NotFound, and InvalidInput for a path or link
 * that leaves, for what is no file and for one that is too large.
 */
export async function readInside(root: string, path: string, maxBytes: number): Promise<Buffer> {
  checkWorkPath(path);
  const top = await realpath(root);
  // Not blocking: the path may be a pipe that nobody writes to.
  const file = await open(join(top, path), O_RDONLY | O_NONBLOCK | O_NOCTTY).catch(notThere(path));
  try {
    const [where, info] = await Promise.all([placeOf(file, join(top, path)), file.stat()]);
    if (!where.startsWith(top + sep)) throw leaves(path);
    if (!info.isFile()) throw new InvalidInput("sandbox_not_a_file", `${path} is no file.`);
    if (info.size > maxBytes) {
      const what = `${path} has ${info.size} bytes; at most ${maxBytes} are read.`;
      throw new InvalidInput("sandbox_file_too_large", what);
    }
    // It may grow while it is read.
    const bytes = Buffer.alloc(info.size);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * Writes a file below `root`, with the directories that are missing; no link on the way is followed, and one in the file's own
 * place is replaced. The file is whole or as it was. Throws InvalidInput for a path that leaves or goes through a link or file.
 * @param owner who is to own what is made; absent: whoever we are.
 */
export async function writeInside(
  root: string,
  path: string,
  bytes: Uint8Array,
  { owner, mode = 0o644 }: { owner?: number | undefined; mode?: number } = {},
): Promise<void> {
  const segments = checkWorkPath(path).split("/");
  const name = segments.pop() ?? "";
  let place = await realpath(root);
  let directory = await open(place, O_RDONLY | O_DIRECTORY);
  try {
    for (const segment of segments) {
      const inner = await descend(join(anchor(directory, place), segment), path, owner);
      await directory.close();
      directory = inner;
      place = join(place, segment);
    }
    const at = anchor(directory, place);
    const aside = join(at, `.${randomBytes(9).toString("base64url")}`);
    const file = await open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    try {
      await file.writeFile(bytes);
      if (owner !== undefined) await file.chown(owner, owner);
    } finally {
      await file.close();
    }
    await rename(aside, join(at, name)).catch(async (error: NodeJS.ErrnoException) => {
      await rm(aside, { force: true });
      if (error.code === "EISDIR" || error.code === "ENOTDIR") throw blocked(path);
      throw error;
    });
  } finally {
    await directory.close();
  }
}

/** Opens a directory, which is made when it is missing. */
async function descend(at: string, path: string, owner: number | undefined): Promise<FileHandle> {
  const made = await mkdir(at, 0o755).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return false;
      throw error;
    },
  );
  const inner = await open(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch((error) => {
    throw blocked(path, error);
  });
  if (made && owner !== undefined) await inner.chown(owner, owner);
  return inner;
}

const LINUX = process.platform === "linux";

/** A path to what a handle holds, whatever is renamed meanwhile; elsewhere than on Linux the path it was opened by. */
function anchor(handle: FileHandle, path: string): string {
  return LINUX ? `/proc/self/fd/${handle.fd}` : path;
}

/** Where an opened file is: what the kernel says, not what the path says by now. */
async function placeOf(handle: FileHandle, path: string): Promise<string> {
  if (LINUX) return await readlink(anchor(handle, path));
  const where = await realpath(path);
  const [now, opened] = await Promise.all([lstat(where), handle.stat()]);
  if (now.ino !== opened.ino || now.dev !== opened.dev) throw leaves(path);
  return where;
}

function leaves(path: string): InvalidInput {
  return new InvalidInput("sandbox_path", `${path} leads out of the work tree.`);
}

function blocked(path: string, cause?: unknown): InvalidInput {
  const what = `${path} cannot be written: a link, a file or a directory is in its way.`;
  return new InvalidInput("sandbox_path", what, {}, cause);
}

function notThere(path: string) {
  return (error: NodeJS.ErrnoException): never => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR")
      throw new NotFound("sandbox_no_file", `The sandbox has no file ${path}.`);
    if (error.code === "ELOOP" || error.code === "ENXIO" || error.code === "EACCES")
      throw new InvalidInput("sandbox_path", `${path} cannot be opened.`, {}, error);
    throw error;
  };
}
