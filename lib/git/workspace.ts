import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { git } from "./git.ts";

/** A bare repository in a temporary directory; to be held by `await using`, which removes it. */
export interface Repository extends AsyncDisposable {
  readonly dir: string;
}

/** An empty bare repository of its own. */
export async function openRepository(): Promise<Repository> {
  const dir = await mkdtemp(join(tmpdir(), "countersign-git-"));
  const repository: Repository = {
    dir,
    // A helper of git that was just killed may still be writing.
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true, maxRetries: 5 }),
  };
  try {
    await git(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], { dir });
    return repository;
  } catch (error) {
    await repository[Symbol.asyncDispose]();
    throw error;
  }
}
