import { InvalidInput } from "../errors.ts";
import { readBlobs, readFiles } from "../git/blobs.ts";
import { SLOW_READER_MS } from "../git/git.ts";
import { type ChangedFile, treeOfFiles } from "../git/patch.ts";
import { isPlain, listTree, type TreeEntry } from "../git/tree.ts";
import type { Repository } from "../git/workspace.ts";
import type { CommitFile } from "../github/branches.ts";
import { openCommit } from "../github/checkout.ts";
import type { WorkFile } from "../sandbox/port.ts";
import { getPatchset } from "./patchset.ts";
import type { Basis, Patch } from "./work.ts";

/** A larger file is no source: the sandbox does not get it, and a patch may not hold it. */
const MAX_FILE_BYTES = 20 * 1024 * 1024;
const LIMIT = { maxBytes: MAX_FILE_BYTES };
/** All of a patch is in memory at once, and in one blob of JSON. */
const MAX_PATCH_BYTES = 50 * 1024 * 1024;

/** A bare repository that has the commit which a run builds on, until it is disposed of. */
export async function openBase({ cloneUrl, base }: Basis): Promise<Repository> {
  return await openCommit({ cloneUrl, commitSha: base });
}

/** What a patch's files hold, for the patchset. Throws InvalidInput for one above 20 MB, and for more than 50 MB together. */
export async function bytesOf(dir: string, files: readonly ChangedFile[]): Promise<CommitFile[]> {
  const shas = [...new Set(files.flatMap(({ sha }) => sha ?? []))];
  const blobs = new Map<string, Buffer | null>();
  let total = 0;
  for await (const { sha, bytes } of readBlobs(dir, shas, LIMIT)) {
    total += bytes?.length ?? 0;
    if (total > MAX_PATCH_BYTES) {
      const what = `The files of the change have more than ${MAX_PATCH_BYTES} bytes together.`;
      throw new InvalidInput("patch_too_large", what);
    }
    blobs.set(sha, bytes);
  }
  return files.map(({ path, mode, sha }) => {
    const bytes = sha === null ? null : blobs.get(sha);
    if (bytes) return { path, mode, bytes };
    if (sha === null) return { path, mode, bytes: null };
    throw new InvalidInput("patch_too_large", `${path} has more than ${MAX_FILE_BYTES} bytes.`);
  });
}

/** The files of a patched tree, made anew from what was kept; as {@link treeFiles} gives them. */
export async function* patchedFiles(
  basis: Basis,
  { patchset, tree }: Patch,
): AsyncGenerator<WorkFile> {
  await using repository = await openBase(basis);
  const { dir } = repository;
  const { base, files } = await getPatchset(patchset);
  const changes = files.map(({ path, mode, bytes }) => {
    return { path, bytes, executable: mode === "100755" };
  });
  const made = await treeOfFiles(dir, base, changes);
  if (made !== tree) throw new Error(`the patchset makes ${made} and not ${tree}`);
  yield* treeFiles(dir, tree);
}

/**
 * The files of a tree as a sandbox takes them, one at a time. Links, submodules, files above 20 MB and paths that are not safe
 * are left out.
 */
export async function* treeFiles(dir: string, tree: string): AsyncGenerator<WorkFile> {
  for await (const { file, bytes } of readFiles(dir, plainFiles(dir, tree), LIMIT)) {
    if (bytes) yield { path: file.path, executable: file.mode === "100755", bytes };
  }
}

async function* plainFiles(dir: string, tree: string): AsyncGenerator<TreeEntry> {
  for await (const entry of listTree(dir, tree, { timeoutMs: SLOW_READER_MS })) {
    if (isPlain(entry.mode) && !entry.refused && (entry.size ?? 0) <= MAX_FILE_BYTES) yield entry;
  }
}
