import { readBlobs } from "./blobs.ts";
import { git } from "./git.ts";
import { checkedSha } from "./names.ts";

/** More than anybody writes by hand. */
const MAX_BYTES = 1024 * 1024;

/**
 * One file at the top of a commit or tree; null when it is not there, no plain file, or larger than 1 MB.
 * @param name without a slash
 */
export async function readTopFile(dir: string, tree: string, name: string): Promise<Buffer | null> {
  const args = ["ls-tree", "-z", "--end-of-options", checkedSha(tree), "--", name];
  const line = (await git(args, { dir })).toString("utf8");
  const [, sha] = /^100(?:644|755) blob ([0-9a-f]+)\t/.exec(line) ?? [];
  if (sha === undefined) return null;
  for await (const { bytes } of readBlobs(dir, [sha], { maxBytes: MAX_BYTES })) return bytes;
  return null;
}

/** Whether a commit or tree has anything of this name at its top. */
export async function hasTopEntry(dir: string, tree: string, name: string): Promise<boolean> {
  const args = ["ls-tree", "-z", "--end-of-options", checkedSha(tree), "--", name];
  return (await git(args, { dir })).length > 0;
}
