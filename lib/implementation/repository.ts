import { requiredEnv } from "../env.ts";
import { InvalidInput } from "../errors.ts";
import { readBlobs } from "../git/blobs.ts";
import { fetchCommit } from "../git/fetch.ts";
import { type ChangedFile, treeOfFiles } from "../git/patch.ts";
import { listTree, type TreeEntry } from "../git/tree.ts";
import { withRepository } from "../git/workspace.ts";
import type { CommitFile } from "../github/branches.ts";
import type { WorkFile } from "../sandbox/port.ts";
import { getPatchset } from "./patchset.ts";
import type { Basis, Patch } from "./work.ts";

/** A larger file is no source: the sandbox does not get it, and a patch may not hold it. */
const MAX_FILE_BYTES = 20 * 1024 * 1024;

/** Runs `work` with a bare repository that has the commit which a run builds on, and removes it. */
export async function withBase<T>(
  { cloneUrl, base }: Pick<Basis, "cloneUrl" | "base">,
  work: (dir: string) => Promise<T>,
): Promise<T> {
  const token = requiredEnv("GITHUB_TOKEN");
  return await withRepository(async (dir) => {
    await fetchCommit({ cloneUrl, token, dir, commitSha: base });
    return await work(dir);
  });
}

/** The same with the patched tree in it, made anew from what was kept. */
export async function withPatched<T>(
  basis: Basis,
  { patchset, tree }: Patch,
  work: (dir: string) => Promise<T>,
): Promise<T> {
  return await withBase(basis, async (dir) => {
    const { base, files } = await getPatchset(patchset);
    const changes = files.map(({ path, mode, bytes }) => {
      return { path, bytes, executable: mode === "100755" };
    });
    const made = await treeOfFiles(dir, base, changes);
    if (made !== tree) throw new Error(`the patchset makes ${made} and not ${tree}`);
    return await work(dir);
  });
}

/** What a patch's files hold, for the patchset. Throws InvalidInput for one above 20 MB. */
export async function bytesOf(dir: string, files: readonly ChangedFile[]): Promise<CommitFile[]> {
  const shas = [...new Set(files.flatMap(({ sha }) => sha ?? []))];
  const blobs = new Map<string, Buffer | null>();
  const limit = { maxBytes: MAX_FILE_BYTES };
  for await (const { sha, bytes } of readBlobs(dir, shas, limit)) blobs.set(sha, bytes);
  return files.map(({ path, mode, sha }) => {
    const bytes = sha === null ? null : blobs.get(sha);
    if (bytes) return { path, mode, bytes };
    if (sha === null) return { path, mode, bytes: null };
    throw new InvalidInput("patch_too_large", `${path} has more than ${MAX_FILE_BYTES} bytes.`);
  });
}

/** The files of a patched tree: its repository is there for as long as they are read. */
export async function* patchedFiles(basis: Basis, patch: Patch): AsyncGenerator<WorkFile> {
  const open = Promise.withResolvers<string>();
  const done = Promise.withResolvers<void>();
  const held = withPatched(basis, patch, async (dir) => {
    open.resolve(dir);
    await done.promise;
  });
  held.catch(open.reject);
  try {
    yield* treeFiles(await open.promise, patch.tree);
  } finally {
    done.resolve();
    await held;
  }
}

/**
 * The files of a tree as a sandbox takes them, one at a time. Links, submodules, files above 20 MB and paths that are not safe
 * are left out.
 */
export async function* treeFiles(dir: string, tree: string): AsyncGenerator<WorkFile> {
  const queue: TreeEntry[] = [];
  async function* shas() {
    for await (const entry of listTree(dir, tree)) {
      const plain = entry.mode === "100644" || entry.mode === "100755";
      if (!plain || entry.refused || (entry.size ?? 0) > MAX_FILE_BYTES) continue;
      queue.push(entry);
      yield entry.sha;
    }
  }
  // Contents come in the order in which they were asked for.
  for await (const { bytes } of readBlobs(dir, shas(), { maxBytes: MAX_FILE_BYTES })) {
    const entry = queue.shift();
    if (entry && bytes) yield { path: entry.path, executable: entry.mode === "100755", bytes };
  }
}
