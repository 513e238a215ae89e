import { randomUUID } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isDeployed } from "../env.ts";
import { InvalidInput, NotFound } from "../errors.ts";
import { gitFailed, runGit } from "./git.ts";
import { checkedSha } from "./names.ts";

/** The largest repository that is fetched, in bytes of packs: 285 MB of sources are packed into some 60 MB. */
export const MAX_REPOSITORY_BYTES = 2 * 2 ** 30;
const TIMEOUT_MS = 10 * 60_000;
/** How often the size is looked at: a fast network brings some 30 MB meanwhile. */
const LOOK_MS = 250;

interface Wanted {
  /** `https://HOST/OWNER/NAME.git`, without credentials; http only to this machine, and not when deployed. */
  readonly cloneUrl: string;
  /** All 40 digits. */
  readonly commitSha: string;
  /** Opens the repository; goes to the host of `cloneUrl` alone. */
  readonly token: string;
  /** An empty bare repository, or one with earlier commits of the same repository. */
  readonly dir: string;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/**
 * Brings one commit with all its files, and no history, into a bare repository.
 * Throws NotFound when the repository or commit is not there (or not for this token), InvalidInput for a URL or id that is
 * refused and for a repository that is too large, Unavailable when it may work another time.
 */
export async function fetchCommit(wanted: Wanted): Promise<void> {
  const source = checkedSha(wanted.commitSha);
  const url = checkedUrl(wanted.cloneUrl);
  // Kept by a name of ours, so that a later fetch sends only what differs; a branch, at which git lets nothing stand but a commit.
  const kept = `refs/heads/fetched-${randomUUID()}`;
  const { dir, token } = wanted;
  const args = [
    ...["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head"],
    ...["--no-recurse-submodules", "--no-auto-maintenance", "--end-of-options"],
    ...[url.href, `+${source}:${kept}`],
  ];
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  const config: [string, string][] = [
    [`protocol.${url.protocol.slice(0, -1)}.allow`, "always"],
    // A redirect would say where to go next, and may say anything.
    ["http.followRedirects", "false"],
    [`http.${url.origin}/.extraHeader`, `Authorization: Basic ${basic}`],
    ["fetch.unpackLimit", "1"],
    ["transfer.credentialsInUrl", "die"],
  ];
  const size = new SizeWatch(dir, wanted.maxBytes ?? MAX_REPOSITORY_BYTES, wanted.signal);
  try {
    const { signal } = size;
    const result = await runGit(args, { dir, signal, timeoutMs: TIMEOUT_MS, config });
    if (result.exitCode !== 0) throw fetchFailed(args, result, source);
  } catch (error) {
    throw size.exceeded ? tooLarge(size.maxBytes) : error;
  } finally {
    size.end();
  }
  if ((await bytesOf(dir)) > size.maxBytes) throw tooLarge(size.maxBytes);
}

const LOOPBACK = ["127.0.0.1", "[::1]", "localhost"];

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const local = url?.protocol === "http:" && LOOPBACK.includes(url.hostname) && !isDeployed();
  const plain = url?.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (url && plain && (url.protocol === "https:" || local)) return url;
  throw new InvalidInput(
    "bad_clone_url",
    "Repositories are fetched by https URLs without credentials alone.",
  );
}

/** What git says when there is nothing to be had, and no repeat can help; anything else may pass. */
const NOT_THERE = [
  "not our ref",
  "couldn't find remote ref",
  "non-commit object",
  "not found",
  "Authentication failed",
  "could not read Username",
  "The requested URL returned error: 403",
];

function fetchFailed(
  args: readonly string[],
  result: { exitCode: number; stderr: string },
  source: string,
): Error {
  const { stderr } = result;
  if (!NOT_THERE.some((text) => stderr.includes(text))) return gitFailed(args, result);
  const message = `GitHub does not have ${source}, or GITHUB_TOKEN may not read it: ${stderr}`;
  return new NotFound("commit_not_found", message);
}

function tooLarge(maxBytes: number): InvalidInput {
  const message = `The repository is larger than the ${maxBytes} bytes that are fetched.`;
  return new InvalidInput("repository_too_large", message, { maxBytes });
}

/** Aborts its signal when the packs in a repository have become too large, or when the outer signal is. */
class SizeWatch {
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  exceeded = false;
  readonly #timer: NodeJS.Timeout;

  constructor(dir: string, maxBytes: number, outer: AbortSignal | undefined) {
    const abort = new AbortController();
    this.maxBytes = maxBytes;
    this.signal = outer ? AbortSignal.any([outer, abort.signal]) : abort.signal;
    this.#timer = setInterval(async () => {
      if ((await bytesOf(dir)) <= maxBytes) return;
      this.exceeded = true;
      abort.abort();
    }, LOOK_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** Bytes of all packs, whole and half written; a file that goes meanwhile counts nothing. */
async function bytesOf(dir: string): Promise<number> {
  const packs = join(dir, "objects", "pack");
  const names = await readdir(packs).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(packs, name)).catch(() => null))?.size ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
