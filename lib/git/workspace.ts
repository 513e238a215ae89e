import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

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
    await layOut(dir);
    return repository;
  } catch (error) {
    await repository[Symbol.asyncDispose]();
    throw error;
  }
}

const CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";

/** What `git init --bare` makes, as gitrepository-layout(5) has it: every step that reads a repository would start git for it. */
async function layOut(dir: string): Promise<void> {
  await Promise.all([
    mkdir(join(dir, "objects")),
    mkdir(join(dir, "refs")),
    writeFile(join(dir, "HEAD"), "ref: refs/heads/main\n"),
    writeFile(join(dir, "config"), CONFIG),
  ]);
}
