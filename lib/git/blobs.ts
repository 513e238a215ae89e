import { once } from "node:events";
import type { Writable } from "node:stream";
import { NotFound } from "../errors.ts";
import { git, gitFailed, SLOW_READER_MS, startGit } from "./git.ts";
import { checkedSha } from "./names.ts";

/** A file's content; null when it is larger than asked for. */
export interface Blob {
  readonly sha: string;
  readonly bytes: Buffer | null;
}

/** What git keeps of the objects that others are stored as changes to: 96 MB unless said, of which one commit's files need little. */
const CONFIG = [["core.deltaBaseCacheLimit", "8m"]] as const;

/**
 * The contents of blobs, in the order of their ids, through one process. Ids are taken as git reads them and contents read
 * as the caller takes them, so memory holds a few hundred ids and one content, at most of `maxBytes`.
 * Throws NotFound for an id that the repository has no blob of, and whatever `shas` throws.
 */
export async function* readBlobs(
  dir: string,
  shas: AsyncIterable<string> | Iterable<string>,
  { maxBytes, signal }: { maxBytes: number; signal?: AbortSignal | undefined },
): AsyncGenerator<Blob, void, undefined> {
  const args = ["cat-file", "--batch"];
  const running = startGit(args, { dir, signal, timeoutMs: SLOW_READER_MS, config: CONFIG });
  let failed: { error: unknown } | undefined;
  const written = writeIds(running.stdin, shas).catch((error: unknown) => {
    failed = { error };
    running.stop();
  });
  const reader = new BatchReader(maxBytes);
  try {
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) yield* reader.read(chunk);
    await written;
    if (failed) throw failed.error;
    const result = await running.ended;
    if (result.exitCode !== 0) throw gitFailed(args, result);
  } finally {
    running.stop();
    running.stdin.destroy();
  }
}

/**
 * The contents of files, each with the file that was asked for, in their order; the same bounds as {@link readBlobs}. Files are taken
 * as git reads their ids, so that a listing can be read while it goes on.
 */
export async function* readFiles<F extends { readonly sha: string }>(
  dir: string,
  files: AsyncIterable<F> | Iterable<F>,
  limits: { maxBytes: number; signal?: AbortSignal | undefined },
): AsyncGenerator<{ file: F; bytes: Buffer | null }, void, undefined> {
  const asked: F[] = [];
  const shas = async function* () {
    for await (const file of files) {
      asked.push(file);
      yield file.sha;
    }
  };
  for await (const { bytes } of readBlobs(dir, shas(), limits)) {
    const file = asked.shift();
    if (!file) throw new Error("git answered what nobody asked");
    yield { file, bytes };
  }
}

/** Writes contents as blobs, through one process. Returns their ids, in their order. */
export async function writeBlobs(dir: string, contents: readonly Buffer[]): Promise<string[]> {
  if (contents.length === 0) return [];
  const input = contents.flatMap((bytes) => [
    Buffer.from(`blob\nmark :1\ndata ${bytes.length}\n`),
    bytes,
    Buffer.from("\nget-mark :1\n"),
  ]);
  const args = ["fast-import", "--quiet", "--done"];
  const said = await git(args, { dir, input: Buffer.concat([...input, Buffer.from("done\n")]) });
  return said.toString("latin1").trim().split("\n").map(checkedSha);
}

async function writeIds(
  stdin: Writable,
  shas: AsyncIterable<string> | Iterable<string>,
): Promise<void> {
  for await (const sha of shas) {
    if (stdin.destroyed) return;
    if (!stdin.write(`${checkedSha(sha)}\n`)) await drained(stdin);
  }
  stdin.end();
}

/** Until more can be written, or it is closed: git has ended then, which the reader learns too. */
async function drained(stdin: Writable): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  try {
    await Promise.race([once(stdin, "drain", { signal }), once(stdin, "close", { signal })]);
  } finally {
    // The one that did not happen is no longer listened for.
    over.abort();
  }
}

/** Takes `<id> blob <size>\n<bytes>\n` apart, however it is cut into chunks. */
class BatchReader {
  readonly #maxBytes: number;
  #head = "";
  #sha = "";
  #bytes: Buffer | null = null;
  /** Bytes of the content still to come, and 1 for the line end behind it; 0 while a head is read. */
  #left = 0;
  #filled = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  *read(chunk: Buffer): Generator<Blob, void, undefined> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        const end = chunk.indexOf(0x0a, at);
        this.#head += chunk.toString("latin1", at, end === -1 ? chunk.length : end);
        if (end === -1) return;
        at = end + 1;
        this.#begin();
      } else {
        const taken = Math.min(this.#left, chunk.length - at);
        if (this.#bytes !== null)
          this.#filled += chunk.copy(this.#bytes, this.#filled, at, at + taken);
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) {
          yield { sha: this.#sha, bytes: this.#bytes };
          this.#bytes = null;
        }
      }
    }
  }

  #begin(): void {
    const [sha = "", type, size = ""] = this.#head.split(" ");
    this.#head = "";
    if (type !== "blob") throw new NotFound("no_blob", `The repository has no file ${sha}.`);
    const length = Number(size);
    this.#sha = sha;
    // `copy` stops at the end of the content, and so leaves the line end out.
    this.#bytes = length <= this.#maxBytes ? Buffer.allocUnsafeSlow(length) : null;
    this.#filled = 0;
    this.#left = length + 1;
  }
}
