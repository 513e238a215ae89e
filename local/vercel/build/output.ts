import { copyFile, lstat, mkdir, opendir } from "node:fs/promises";
import { join } from "node:path";
import { BuildFailed } from "./failed.ts";

/** Where builds put what is to be served, the first that is there. */
const DIRECTORIES = ["dist", "public", "out"];
const MAX_FILES = 20_000;
const MAX_BYTES = 256 * 2 ** 20;

/** The output of a build: `dist`, `public` or `out`, otherwise the work tree itself. */
export async function outputOf(work: string): Promise<string> {
  for (const name of DIRECTORIES) {
    const path = join(work, name);
    const info = await lstat(path).catch(() => null);
    if (info?.isDirectory()) return path;
  }
  return work;
}

/**
 * Copies plain files; links are left out, wherever they lead, and so are names that begin with a dot and packages. Throws
 * {@link BuildFailed} when there are too many. Nothing may run in `from` any more.
 */
export async function copyFiles(from: string, to: string): Promise<number> {
  let [files, bytes] = [0, 0];
  const copy = async (source: string, target: string): Promise<void> => {
    await mkdir(target, { recursive: true });
    for await (const entry of await opendir(source)) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const [path, copied] = [join(source, entry.name), join(target, entry.name)];
      if (entry.isDirectory()) await copy(path, copied);
      if (!entry.isFile()) continue;
      files += 1;
      bytes += (await lstat(path)).size;
      if (files > MAX_FILES || bytes > MAX_BYTES) {
        const what = `The output has more than ${MAX_FILES} files or ${MAX_BYTES} bytes.`;
        throw new BuildFailed("output_too_large", what);
      }
      await copyFile(path, copied);
    }
  };
  await copy(from, to);
  return files;
}
