import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { InvalidInput } from "../errors.ts";
import { writeBlobs } from "./blobs.ts";
import { type GitCall, git, runGit } from "./git.ts";
import { checkedSha } from "./names.ts";
import { pathProblem } from "./paths.ts";
import { isPlain, type PlainMode } from "./tree.ts";

/** A file as it is to be; `bytes: null` removes it. Its mode stays when nothing is said of it. */
export interface FileChange {
  readonly path: string;
  readonly bytes: Buffer | null;
  readonly executable?: boolean | undefined;
}

/** A file that differs between two trees. */
export interface ChangedFile {
  readonly path: string;
  readonly change: "added" | "changed" | "removed";
  readonly mode: PlainMode;
  /** Null: removed. */
  readonly sha: string | null;
}

/**
 * The tree that files turn a commit's into, written into the bare repository. There is no work tree: no filter, hook or
 * link of the repository can do anything. Throws InvalidInput for a path that a file or a directory is in the way of, and for the
 * removal of what is not there.
 */
export async function treeOfFiles(
  dir: string,
  base: string,
  files: readonly FileChange[],
): Promise<string> {
  for (const { path } of files) {
    if (pathProblem(path) !== null) throw doesNotApply(`${JSON.stringify(path)} is no path`);
  }
  const tree = await withIndex(dir, base, async (call) => {
    const modes = await modesOf(call, files);
    const shas = await writeBlobs(
      dir,
      files.flatMap(({ bytes }) => bytes ?? []),
    );
    const lines: string[] = [];
    for (const { path, bytes, executable } of files) {
      const mode = modes.get(path);
      if (bytes === null) {
        if (mode === undefined) {
          throw doesNotApply(`there is no file ${path} to remove`);
        }
        lines.push(`0 ${"0".repeat(base.length)}\t${path}`);
        continue;
      }
      const now = executable ?? mode === "100755";
      lines.push(`${now ? "100755" : "100644"} ${shas.shift()}\t${path}`);
    }
    const input = lines.map((line) => `${line}\0`).join("");
    const done = await runGit(["update-index", "-z", "--index-info"], { ...call, input });
    if (done.exitCode !== 0) throw doesNotApply(done.stderr);
  });
  // git removes a file that is in the way of a directory, and the other way round.
  const removed = new Set(files.flatMap(({ path, bytes }) => (bytes === null ? path : [])));
  const gone = await changedFiles(dir, base, tree);
  const lost = gone.find(({ path, change }) => change === "removed" && !removed.has(path));
  if (lost) throw doesNotApply(`${lost.path} is in the way and would be lost`);
  return tree;
}

/** The tree that a unified diff turns a commit's into. Throws InvalidInput (`patch_does_not_apply`) with what git says. */
export async function treeOfDiff(dir: string, base: string, diff: string): Promise<string> {
  return await withIndex(dir, base, async (call) => {
    const args = ["apply", "--cached", "--whitespace=nowarn", "-"];
    const input = diff.endsWith("\n") ? diff : `${diff}\n`;
    const done = await runGit(args, { ...call, input });
    if (done.exitCode !== 0) throw doesNotApply(done.stderr);
  });
}

/**
 * The files that differ between two trees, in git's order, renames as a removal and an addition. Throws InvalidInput when a
 * path must not be used or a file would become a link or a submodule.
 */
export async function changedFiles(dir: string, from: string, to: string): Promise<ChangedFile[]> {
  const args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--end-of-options"];
  const out = await git([...args, checkedSha(from), checkedSha(to)], { dir });
  const parts = out.toString("utf8").split("\0");
  const files: ChangedFile[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [, mode = "", , sha = "", letter = ""] = (parts[at] ?? "").split(" ");
    const path = parts[at + 1] ?? "";
    if (pathProblem(path) !== null || path.includes("\ufffd")) {
      throw new InvalidInput("patch_path", `A change may not touch ${JSON.stringify(path)}.`);
    }
    if (letter === "D") files.push({ path, change: "removed", mode: "100644", sha: null });
    else if (isPlain(mode)) {
      files.push({ path, change: letter === "A" ? "added" : "changed", mode, sha });
    } else {
      const what = `${path} would become a link or a submodule: a change has plain files only.`;
      throw new InvalidInput("patch_mode", what);
    }
  }
  return files;
}

/**
 * The difference of two trees for a person to read, cut at `maxBytes`. Content that is no text is only named, which git tells by its
 * first 8,000 bytes: a NUL behind them is shown as a sign for it, since no row takes one.
 */
export async function diffText(
  dir: string,
  from: string,
  to: string,
  maxBytes: number,
): Promise<{ text: string; truncated: boolean }> {
  const args = ["diff-tree", "-r", "-p", "--no-renames", "--no-ext-diff", "--no-textconv"];
  const out = await git([...args, "--end-of-options", checkedSha(from), checkedSha(to)], { dir });
  const truncated = out.length > maxBytes;
  const text = out.toString("utf8", 0, Math.min(out.length, maxBytes)).replaceAll("\0", "\u2400");
  return { text, truncated };
}

/** Runs `work` on an index of its own that holds the files of `base`, and returns the tree that it holds then. */
async function withIndex(
  dir: string,
  base: string,
  work: (call: GitCall) => Promise<void>,
): Promise<string> {
  const index = join(dir, `index-${randomUUID()}`);
  const call: GitCall = { dir, env: { GIT_INDEX_FILE: index } };
  try {
    await git(["read-tree", checkedSha(base)], call);
    await work(call);
    return (await git(["write-tree"], call)).toString("latin1").trim();
  } finally {
    await rm(index, { force: true });
  }
}

/** The modes of those of the files that are in the index. */
async function modesOf(call: GitCall, files: readonly FileChange[]): Promise<Map<string, string>> {
  const wanted = new Set(files.map(({ path }) => path));
  const env = { ...call.env, GIT_LITERAL_PATHSPECS: "1" };
  const out = await git(["ls-files", "-s", "-z", "--", ...wanted], { ...call, env });
  const lines = out.toString("utf8").split("\0");
  return new Map(
    lines.flatMap((line): [string, string][] => {
      const path = line.slice(line.indexOf("\t") + 1);
      return wanted.has(path) ? [[path, line.slice(0, 6)]] : [];
    }),
  );
}

function doesNotApply(problem: string): InvalidInput {
  const what = problem.replace(/^(?:error|fatal): /gm, "").slice(0, 1000);
  return new InvalidInput("patch_does_not_apply", `The change does not apply: ${what}`);
}
