import { randomBytes } from "node:crypto";
import { chmod, readdir, rename, rm } from "node:fs/promises";

/** Longer paths below a tree are cut, in bytes; with one more name, of 255, they are below what every system can name. */
const MAX_PATH = 512;
/** What keeps a tree from being removed that it was made for: closed directories, and paths longer than can be named. */
const IN_THE_WAY = new Set(["EACCES", "EPERM", "ENAMETOOLONG"]);

/**
 * Removes a tree that nothing writes to any more, also directories that its owner has closed to themselves or made deeper than a
 * path can name. No link is followed. Can be repeated. Throws what the system says when it does not let.
 */
export async function removeTree(dir: string): Promise<void> {
  const remove = () => rm(dir, { recursive: true, force: true, maxRetries: 3 });
  await remove().catch(async (error: NodeJS.ErrnoException) => {
    if (!IN_THE_WAY.has(error.code ?? "")) throw error;
    await levelOut(dir);
    await remove();
  });
}

/**
 * Opens every directory of a tree and moves those that lie deep up to its top, so that each path can be named again. Names
 * are bytes: one that is no text could not be named otherwise.
 */
async function levelOut(top: string): Promise<void> {
  const longest = Buffer.byteLength(top) + MAX_PATH;
  const mark = randomBytes(6).toString("hex");
  await chmod(top, 0o700);
  const dirs: Buffer[] = [Buffer.from(top)];
  let moved = 0;
  for (let dir = dirs.pop(); dir !== undefined; dir = dirs.pop()) {
    for (const entry of await readdir(dir, { withFileTypes: true, encoding: "buffer" })) {
      // Of a link this says no.
      if (!entry.isDirectory()) continue;
      const path = within(dir, entry.name);
      // Before it is moved: that writes to it.
      await chmod(path, 0o700);
      if (path.length <= longest) dirs.push(path);
      else {
        const up = within(Buffer.from(top), Buffer.from(`${mark}-${moved++}`));
        await rename(path, up);
        dirs.push(up);
      }
    }
  }
}

/** The path of what has this name in a directory. */
export function within(dir: Buffer, name: Buffer): Buffer {
  return Buffer.concat([dir, Buffer.from("/"), name]);
}
