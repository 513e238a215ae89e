import { readBlobs } from "./blobs.ts";
import { git } from "./git.ts";
import { checkedSha } from "./names.ts";
import { isPlain } from "./tree.ts";

/** More than anybody writes by hand. */
const MAX_BYTES = 1024 * 1024;

export interface TopEntry {
  readonly sha: string;
  /** A file, and neither a link, a submodule nor a directory. */
  readonly plain: boolean;
}

/**
 * Which of these names a commit or tree has at its top.
 * @param names without a slash
 */
export async function topEntries(
  dir: string,
  tree: string,
  names: readonly string[],
): Promise<Map<string, TopEntry>> {
  const args = ["ls-tree", "-z", "--end-of-options", checkedSha(tree), "--", ...names];
  const lines = (await git(args, { dir })).toString("utf8");
  const found = lines.matchAll(/(\d{6}) \w+ ([0-9a-f]+)\t([^\0]+)\0/g);
  return new Map(
    [...found].map(([, mode = "", sha = "", name = ""]) => [name, { sha, plain: isPlain(mode) }]),
  );
}

/** What a plain file holds; null when there is none, or it is larger than 1 MB. */
export async function readTopFile(
  dir: string,
  entry: TopEntry | undefined,
): Promise<Buffer | null> {
  if (!entry?.plain) return null;
  for await (const { bytes } of readBlobs(dir, [entry.sha], { maxBytes: MAX_BYTES })) return bytes;
  return null;
}
