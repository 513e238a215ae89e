import { lstat, opendir } from "node:fs/promises";
import { listProcesses, withDescendants } from "./processes.ts";
import { within } from "./remove.ts";
import type { Usage } from "./run.ts";

/** How often memory is looked at; the work tree at most as often, and for at most a fifth of the time. */
const LOOK_MS = 250;
const REST = 4;

/**
 * Looks after what a single process's limits cannot hold: the memory of all together and the size of the work tree. Between two
 * looks more can be taken than allowed.
 */
export function watchUsage(about: {
  pid: number;
  work: string;
  usage: Usage;
  /** Called with what was exceeded, for a person; more than once when nothing ends. */
  exceeded(what: string): void;
}): { end(): void } {
  const { pid, work, usage, exceeded } = about;
  let over = false;
  const loop = (look: () => Promise<string | null>) => {
    const again = async () => {
      if (over) return;
      const began = Date.now();
      // A work tree that is being removed while it is read is looked at another time.
      const what = await look().catch(() => null);
      if (over) return;
      if (what !== null) exceeded(what);
      setTimeout(again, Math.max(LOOK_MS, (Date.now() - began) * REST)).unref();
    };
    void again();
  };
  loop(async () => {
    const tree = withDescendants(listProcesses(), pid);
    const bytes = tree.reduce((sum, one) => sum + one.bytes, 0);
    return bytes > usage.maxMemoryBytes
      ? `more than ${usage.maxMemoryBytes} bytes of memory`
      : null;
  });
  loop(() => tooLarge(work, usage));
  return {
    end() {
      over = true;
    },
  };
}

/**
 * What is too much in a work tree, for a person; null when nothing is. No link is followed. What lies deeper than a path can name
 * cannot be counted, and is too much for that.
 */
export async function tooLarge(
  work: string,
  { maxDiskBytes, maxFiles }: Pick<Usage, "maxDiskBytes" | "maxFiles">,
): Promise<string | null> {
  let [bytes, files] = [0, 0];
  // As bytes: what has a name that is no text counts too.
  const dirs: Buffer[] = [Buffer.from(work)];
  for (let dir = dirs.pop(); dir !== undefined; dir = dirs.pop()) {
    const entries = await unlessTooDeep(opendir(dir, BYTES));
    if (entries === "too deep") return TOO_DEEP;
    if (!entries) continue;
    for await (const entry of entries) {
      const path = within(dir, Buffer.from(entry.name));
      if (entry.isDirectory()) dirs.push(path);
      const info = await unlessTooDeep(lstat(path));
      if (info === "too deep") return TOO_DEEP;
      // As it takes place: a file with holes takes less than its length says.
      bytes += (info?.blocks ?? 0) * 512;
      files += 1;
      if (bytes > maxDiskBytes) return `more than ${maxDiskBytes} bytes in the work tree`;
      if (files > maxFiles) return `more than ${maxFiles} files in the work tree`;
    }
  }
  return null;
}

/** Node gives names as bytes then, which its types do not say. */
const BYTES = { encoding: "buffer" as BufferEncoding };
const TOO_DEEP = "files deeper than can be counted in the work tree";

/** What a call gives; null for what went away while it was looked at, and what nobody may look at. */
async function unlessTooDeep<T>(call: Promise<T>): Promise<T | "too deep" | null> {
  return await call.catch((error: NodeJS.ErrnoException) =>
    error.code === "ENAMETOOLONG" ? "too deep" : null,
  );
}
