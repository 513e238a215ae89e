import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { git } from "./git.ts";

/** Gives `work` an empty bare repository of its own, which is removed when it is done, whatever came of it. */
export async function withRepository<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "countersign-git-"));
  try {
    await git(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], { dir });
    return await work(dir);
  } finally {
    // A helper of git that was just killed may still be writing.
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}
