import { git } from "../../../lib/git/git.ts";
import { remembered } from "./remembered.ts";

export interface FileDiff {
  readonly path: string;
  readonly previousPath?: string;
  readonly status: "added" | "removed" | "modified" | "renamed" | "copied" | "changed";
  /** The new blob, of a removed file the old one. */
  readonly sha: string;
  readonly additions: number;
  readonly deletions: number;
  /** Absent for what is not text and for what is too long. */
  readonly patch?: string;
}

const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const MAX_PATCH = 100_000;

const STATUS: Readonly<Record<string, FileDiff["status"]>> = {
  A: "added",
  D: "removed",
  M: "modified",
  R: "renamed",
  C: "copied",
};

/** What changes from one tree or commit to another, renames found; `from: null` is nothing at all. */
export const diffFiles = remembered(
  async (dir, from: string | null, to: string): Promise<readonly FileDiff[]> => {
    const args = ["diff-tree", "-r", "-M", "--no-ext-diff", "--no-textconv", "--no-abbrev", "-z"];
    const trees = ["--end-of-options", from ?? EMPTY_TREE, to];
    const out = await git([...args, "--raw", "--numstat", "-p", ...trees], { dir });
    // All files, then all counts, then, behind an empty part, the text of all patches.
    const parts = out.toString("utf8").split("\0");
    const files: (Omit<FileDiff, "additions" | "deletions" | "patch"> & object)[] = [];
    let at = 0;
    for (; parts[at]?.startsWith(":"); at++) {
      const [, , old = "", sha = "", letter = ""] = (parts[at] ?? "").split(" ");
      const status = STATUS[letter[0] ?? ""] ?? "changed";
      const path = parts[++at] ?? "";
      if (status === "renamed" || status === "copied") {
        files.push({ path: parts[++at] ?? "", previousPath: path, status, sha });
      } else files.push({ path, status, sha: status === "removed" ? old : sha });
    }
    const counted = files.map((file) => {
      const [additions, deletions, path] = (parts[at++] ?? "").split("\t");
      // A rename has its two names behind an empty one.
      if (path === "") at += 2;
      return { ...file, additions: Number(additions) || 0, deletions: Number(deletions) || 0 };
    });
    const patches = patchesOf(parts.slice(at + 1).join("\0"));
    return counted.map((file, index) => {
      const patch = patches[index];
      return { ...file, ...(patch && patch.length <= MAX_PATCH && { patch }) };
    });
  },
);

/** The hunks of each file, in order; empty for a file without any. */
function patchesOf(text: string): string[] {
  return text
    .split(/^diff --git .*\n/m)
    .slice(1)
    .map((file) => {
      const start = file.search(/^@@ /m);
      return start === -1 ? "" : file.slice(start).trimEnd();
    });
}
