import { errorMessage } from "../../../lib/errors.ts";
import { readFiles } from "../../../lib/git/blobs.ts";
import { fetchCommit } from "../../../lib/git/fetch.ts";
import { SLOW_READER_MS } from "../../../lib/git/git.ts";
import { isPlain, listTree, type TreeEntry } from "../../../lib/git/tree.ts";
import type { WorkFile } from "../../../lib/sandbox/port.ts";
import { BuildFailed } from "./failed.ts";

const MAX_REPOSITORY_BYTES = 256 * 2 ** 20;
const LIMIT = { maxBytes: 20 * 2 ** 20 };

/** Brings exactly this commit into the bare repository `dir`. Throws {@link BuildFailed} when it cannot be had. */
export async function fetchSource(source: {
  readonly cloneUrl: string;
  readonly token: string;
  readonly commitSha: string;
  readonly dir: string;
  readonly signal: AbortSignal;
}): Promise<void> {
  try {
    await fetchCommit({ ...source, maxBytes: MAX_REPOSITORY_BYTES });
  } catch (error) {
    const what = `The commit ${source.commitSha} could not be fetched: ${errorMessage(error)}`;
    throw new BuildFailed("git_source", what);
  }
}

/** The plain files of a commit: no links, no submodules, none above 20 MB. */
export async function* sourceFiles(
  dir: string,
  commitSha: string,
  signal: AbortSignal,
): AsyncGenerator<WorkFile> {
  for await (const { file, bytes } of readFiles(dir, plainFiles(dir, commitSha, signal), LIMIT)) {
    if (bytes) yield { path: file.path, executable: file.mode === "100755", bytes };
  }
}

async function* plainFiles(
  dir: string,
  commitSha: string,
  signal: AbortSignal,
): AsyncGenerator<TreeEntry> {
  for await (const entry of listTree(dir, commitSha, { signal, timeoutMs: SLOW_READER_MS })) {
    if (isPlain(entry.mode) && !entry.refused) yield entry;
  }
}
