import { type GitCall, gitFailed, startGit } from "./git.ts";
import { checkedSha } from "./names.ts";
import { type PathProblem, pathProblem } from "./paths.ts";

interface Entry {
  /** `100644`, `100755`, `120000` (symlink) or `160000` (submodule). */
  readonly mode: string;
  readonly type: "blob" | "commit";
  readonly sha: string;
  /** In bytes; null for a submodule. */
  readonly size: number | null;
}

/** One file of a commit. `refused` says why its path must not be used; `path` is then cut and only for showing. */
export type TreeEntry = Entry & {
  readonly path: string;
  readonly refused?: PathProblem;
};

/** The modes of files that are neither links nor submodules. */
export type PlainMode = "100644" | "100755";

export function isPlain(mode: string): mode is PlainMode {
  return mode === "100644" || mode === "100755";
}

/** Of a record this much is kept: a longer path is refused whatever else it says. */
const MAX_RECORD = 16_384;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Every file, symlink and submodule of a commit, in git's order, as they come. Throws Unavailable when the repository does
 * not have the commit, InvalidInput when `commitSha` is none.
 * @param limits what ends it: a minute unless said, so whoever takes entries slowly has to say more.
 */
export async function* listTree(
  dir: string,
  commitSha: string,
  limits: Pick<GitCall, "signal" | "timeoutMs"> = {},
): AsyncGenerator<TreeEntry, void, undefined> {
  const args = ["ls-tree", "-r", "-l", "-z", "--full-tree", "--end-of-options"];
  const running = startGit([...args, checkedSha(commitSha)], { dir, ...limits });
  try {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(0); end !== -1; end = chunk.indexOf(0, from)) {
        yield entryOf(kept(rest, chunk.subarray(from, end)));
        rest = Buffer.alloc(0);
        from = end + 1;
      }
      rest = kept(rest, chunk.subarray(from));
    }
    const result = await running.ended;
    if (result.exitCode !== 0) throw gitFailed(args, result);
  } finally {
    running.stop();
  }
}

function kept(rest: Buffer, more: Buffer): Buffer {
  if (rest.length === 0) return more.subarray(0, MAX_RECORD);
  return Buffer.concat([rest, more.subarray(0, Math.max(0, MAX_RECORD - rest.length))]);
}

const HEAD = /^(\d{6}) (blob|commit) ([0-9a-f]{40,64}) +(\d+|-)$/;

function entryOf(record: Buffer): TreeEntry {
  const tab = record.indexOf(0x09);
  const head = HEAD.exec(record.toString("latin1", 0, tab));
  if (head === null) throw new Error("git ls-tree wrote a line that is none");
  const [, mode = "", type, sha = "", size] = head;
  const entry: Entry = {
    mode,
    type: type === "commit" ? "commit" : "blob",
    sha,
    size: size === "-" ? null : Number(size),
  };
  const bytes = record.subarray(tab + 1);
  const path = decoded(bytes);
  const refused = path === null ? "invalid_utf8" : pathProblem(path);
  if (path !== null && refused === null) return { ...entry, path };
  const shown = bytes.toString("utf8", 0, 200);
  return { ...entry, path: shown, refused: refused ?? "invalid_utf8" };
}

function decoded(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}
