import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { git, runGit } from "../../../lib/git/git.ts";
import { remembered } from "./remembered.ts";

export interface Person {
  readonly name: string;
  readonly email: string;
  /** Seconds since 1970, with the time zone behind it as git writes it: `1700000000 +0000`. */
  readonly when: string;
}

/** A commit as it stands in the repository. */
export interface Commit {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Person;
  readonly committer: Person;
  readonly message: string;
}

const text = (bytes: Buffer) => bytes.toString("utf8").trim();

/** Writes an object and returns its id. Throws when git refuses it. */
export async function writeObject(
  dir: string,
  type: "blob" | "commit",
  bytes: string | Uint8Array,
): Promise<string> {
  return text(await git(["hash-object", "-w", "--stdin", "-t", type], { dir, input: bytes }));
}

/** Writes exactly this commit: the same one has the same id. */
export async function writeCommit(dir: string, commit: Omit<Commit, "sha">): Promise<string> {
  const line = (role: string, { name, email, when }: Person) =>
    `${role} ${clean(name)} <${clean(email)}> ${when}\n`;
  const parents = commit.parents.map((parent) => `parent ${parent}\n`).join("");
  const people = line("author", commit.author) + line("committer", commit.committer);
  return await writeObject(
    dir,
    "commit",
    `tree ${commit.tree}\n${parents}${people}\n${commit.message}`,
  );
}

/** What would end the field in a commit's header cannot be in a name. */
const clean = (value: string) => value.replaceAll(/[<>\0\n\r]/g, "").trim();

/** Commits by their ids, in that order; what is no commit is left out. */
export async function readCommits(dir: string, shas: readonly string[]): Promise<Commit[]> {
  if (shas.length === 0) return [];
  const input = shas.map((sha) => `${sha}\n`).join("");
  const out = await git(["cat-file", "--batch"], { dir, input });
  const commits: Commit[] = [];
  for (let at = 0; at < out.length; ) {
    const end = out.indexOf(10, at);
    const [sha = "", type, size] = out.toString("latin1", at, end).split(" ");
    at = end + 1;
    if (type === "missing") continue;
    const length = Number(size);
    if (type === "commit") commits.push(parsed(sha, out.toString("utf8", at, at + length)));
    at += length + 1;
  }
  return commits;
}

export const readCommit = remembered(async (dir, sha: string): Promise<Commit | undefined> => {
  return (await readCommits(dir, [sha]))[0];
});

function parsed(sha: string, raw: string): Commit {
  const end = raw.indexOf("\n\n");
  const head = end === -1 ? raw : raw.slice(0, end);
  const values = (key: string) =>
    head
      .split("\n")
      .flatMap((line) => (line.startsWith(`${key} `) ? line.slice(key.length + 1) : []));
  return {
    sha,
    tree: values("tree")[0] ?? "",
    parents: values("parent"),
    author: person(values("author")[0] ?? ""),
    committer: person(values("committer")[0] ?? ""),
    message: end === -1 ? "" : raw.slice(end + 2),
  };
}

function person(line: string): Person {
  const [, name = "", email = "", when = "0 +0000"] = /^(.*?) ?<(.*?)> (.*)$/.exec(line) ?? [];
  return { name, email, when };
}

/** Kind and size in bytes of an object; undefined when it is not there. */
export async function kindOf(
  dir: string,
  sha: string,
): Promise<{ type: string; size: number } | undefined> {
  if (!/^[0-9a-f]{40}$/.test(sha)) return undefined;
  const out = await git(["cat-file", "--batch-check"], { dir, input: `${sha}\n` });
  const [, type = "missing", size] = text(out).split(" ");
  return type === "missing" ? undefined : { type, size: Number(size) };
}

export async function readBlob(dir: string, sha: string): Promise<Buffer> {
  return await git(["cat-file", "blob", sha], { dir });
}

export interface TreeEntry {
  readonly mode: string;
  readonly type: string;
  readonly sha: string;
  readonly size: number | null;
  readonly path: string;
}

/** What is in a tree, in git's order; with `path` what that path is, or what is below it when it ends in a slash. */
export async function listTree(
  dir: string,
  tree: string,
  { recursive = false, path }: { recursive?: boolean; path?: string } = {},
): Promise<TreeEntry[]> {
  const args = ["--literal-pathspecs", "ls-tree", "-z", "-l", "--full-tree"];
  // Recursive listings of GitHub have the directories too.
  if (recursive) args.push("-r", "-t");
  const out = await git([...args, tree, ...(path === undefined ? [] : ["--", path])], { dir });
  return out
    .toString("utf8")
    .split("\0")
    .flatMap((line) => {
      const [, mode, type, sha, size, entry] =
        /^(\d+) (\w+) ([0-9a-f]+) +(\S+)\t(.*)$/s.exec(line) ?? [];
      if (!mode || !type || !sha || !size || entry === undefined) return [];
      return [{ mode, type, sha, size: size === "-" ? null : Number(size), path: entry }];
    });
}

/** One change of a tree; `sha: null` removes what is at the path. */
export interface TreeChange {
  readonly path: string;
  readonly mode: string;
  readonly sha: string | null;
}

/** Writes the tree that the changes turn `base` into. Returns git's words when it refuses one. */
export async function writeTree(
  dir: string,
  base: string | null,
  changes: readonly TreeChange[],
): Promise<{ tree: string } | { refused: string }> {
  const work = await mkdtemp(join(tmpdir(), "github-index-"));
  try {
    const call = { dir, env: { GIT_INDEX_FILE: join(work, "index") } };
    await git(base === null ? ["read-tree", "--empty"] : ["read-tree", base], call);
    const lines: string[] = [];
    for (const { path, mode, sha } of changes) {
      // A directory goes or comes as a whole.
      const below = sha === null || mode === "040000" ? await listTreeOf(call, `${path}/`) : [];
      for (const entry of below) lines.push(`0 ${"0".repeat(40)}\t${entry}`);
      if (sha !== null && mode === "040000") {
        for (const entry of await listTree(dir, sha, { recursive: true })) {
          if (entry.type === "tree") continue;
          lines.push(`${entry.mode} ${entry.sha}\t${path}/${entry.path}`);
        }
      } else lines.push(sha === null ? `0 ${"0".repeat(40)}\t${path}` : `${mode} ${sha}\t${path}`);
    }
    const input = lines.map((line) => `${line}\0`).join("");
    const done = await runGit(["update-index", "-z", "--index-info"], { ...call, input });
    if (done.exitCode !== 0) return { refused: done.stderr };
    const tree = await runGit(["write-tree"], call);
    return tree.exitCode === 0 ? { tree: text(tree.stdout) } : { refused: tree.stderr };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function listTreeOf(
  call: { dir: string; env: Record<string, string> },
  prefix: string,
): Promise<string[]> {
  const out = await git(["--literal-pathspecs", "ls-files", "-z", "--", prefix], call);
  return out.toString("utf8").split("\0").filter(Boolean);
}
