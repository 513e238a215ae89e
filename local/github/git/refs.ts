import { existsSync, readdirSync, readFileSync } from "node:fs";
import { appendFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { git, runGit } from "../../../lib/git/git.ts";
import { remembered } from "./remembered.ts";

export const NO_COMMIT = "0".repeat(40);

/** Besides what git writes. What GitHub keeps for itself, nobody pushes; nothing that a commit was made of ever goes. */
const CONFIG = `
[http]
  receivepack = true
[receive]
  hideRefs = refs/pull
  autogc = false
[uploadpack]
  allowAnySHA1InWant = true
  allowFilter = true
[gc]
  auto = 0
`;

/** Makes an empty bare repository that can be pushed to, unless there is one: whole, or not at all. */
export async function initRepository(dir: string): Promise<void> {
  if (existsSync(dir)) return;
  const making = `${dir}.new`;
  await rm(making, { recursive: true, force: true });
  const args = ["init", "--quiet", "--bare", "--initial-branch=main", "--template=", making];
  // As refsOf reads them; git will make others by itself one day.
  const env = { GIT_DEFAULT_REF_FORMAT: "files", GIT_DEFAULT_HASH: "sha1" };
  await git(args, { dir: making, env });
  await appendFile(join(making, "config"), CONFIG);
  await rename(making, dir);
}

/**
 * All branches and tags with the objects that they stand at, ordered by name. Read as git keeps them (gitrepository-layout(5)):
 * every call asks for them, and to start git each time would be most of the work of most calls.
 */
export function refsOf(dir: string): Map<string, string> {
  // In this order: a reference that is packed meanwhile is in one of the two.
  const loose = [...looseRefs(dir, "refs/heads"), ...looseRefs(dir, "refs/tags")];
  const refs = [...new Map([...packedRefs(dir), ...loose])];
  return new Map(refs.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

/** Those that have a file of their own, which counts before the file of all. One that goes meanwhile is left out. */
function* looseRefs(dir: string, folder: string): Generator<[string, string]> {
  const entries = ifThere(() => readdirSync(join(dir, folder), { withFileTypes: true }), []);
  for (const entry of entries) {
    const ref = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* looseRefs(dir, ref);
    else if (!ref.endsWith(".lock")) {
      const sha = ifThere(() => readFileSync(join(dir, ref), "latin1"), "").trim();
      if (sha !== "") yield [ref, sha];
    }
  }
}

function* packedRefs(dir: string): Generator<[string, string]> {
  const text = ifThere(() => readFileSync(join(dir, "packed-refs"), "utf8"), "");
  for (const line of text.split("\n")) {
    if (/^[0-9a-f]{40} refs\/(heads|tags)\//.test(line)) yield [line.slice(41), line.slice(0, 40)];
  }
}

function ifThere<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    // Gone, or a folder where a file was, or the other way round: between two references of which one can be.
    if (["ENOENT", "ENOTDIR", "EISDIR"].includes(code)) return otherwise;
    throw error;
  }
}

/**
 * Moves a reference from `old` to `sha`, in one go with the check that it is at `old`; false when it is not, or git refuses the name.
 * {@link NO_COMMIT} as `old`: it must not be there; as `sha`: it goes. Without `old` it is moved from wherever it is.
 */
export async function moveRef(
  dir: string,
  ref: string,
  { sha, old }: { sha: string; old?: string },
): Promise<boolean> {
  const move = sha === NO_COMMIT ? ["-d", ref] : [ref, sha];
  const args = ["update-ref", ...move, ...(old === undefined ? [] : [old])];
  return (await runGit(args, { dir })).exitCode === 0;
}

export async function isRefName(ref: string): Promise<boolean> {
  if (!/^refs\/[^/]+\/./.test(ref)) return false;
  return (await runGit(["check-ref-format", ref], { dir: "/" })).exitCode === 0;
}

export async function setHead(dir: string, branch: string): Promise<void> {
  await git(["symbolic-ref", "HEAD", `refs/heads/${branch}`], { dir });
}

export const isAncestor = remembered(async (dir, old: string, young: string): Promise<boolean> => {
  const args = ["merge-base", "--is-ancestor", old, young];
  return (await runGit(args, { dir })).exitCode === 0;
});

/** The best common ancestor; null when there is none. */
export const mergeBase = remembered(async (dir, a: string, b: string): Promise<string | null> => {
  const { exitCode, stdout } = await runGit(["merge-base", a, b], { dir });
  return exitCode === 0 ? stdout.toString("latin1").trim() : null;
});

/** The commits that `to` has and `from` has not, oldest first; at most `limit` of the newest. */
export const commitsBetween = remembered(
  async (dir, from: string | null, to: string, limit: number): Promise<readonly string[]> => {
    const args = ["rev-list", "--topo-order", `--max-count=${limit}`, to];
    const out = await git(from === null ? args : [...args, `^${from}`], { dir });
    return out.toString("latin1").split("\n").filter(Boolean).reverse();
  },
);

/** How many commits `head` has that `base` has not, and the other way round. */
export const aheadBehind = remembered(
  async (dir, base: string, head: string): Promise<{ ahead: number; behind: number }> => {
    const args = ["rev-list", "--left-right", "--count", `${base}...${head}`];
    const [behind, ahead] = (await git(args, { dir })).toString("latin1").trim().split("\t");
    return { ahead: Number(ahead), behind: Number(behind) };
  },
);

/** What a tag stands for in the end; undefined when that is no commit. */
export const peeled = remembered(async (dir, sha: string): Promise<string | undefined> => {
  const { exitCode, stdout } = await runGit(
    ["rev-parse", "--verify", "--quiet", "--end-of-options", `${sha}^{commit}`],
    { dir },
  );
  return exitCode === 0 ? stdout.toString("latin1").trim() : undefined;
});
