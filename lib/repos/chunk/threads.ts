import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { errorMessage } from "../../errors.ts";
import { log } from "../../log.ts";
import { type ChunkedFile, release, type SourceFile } from "./source.ts";
import type { ThreadData, ThreadReply, ThreadRequest } from "./thread.ts";
import { compileParser } from "./tree-sitter.ts";

/** The build must emit `thread.ts` under the second name. */
const THREAD = new URL(
  import.meta.url.endsWith(".ts") ? "./thread.ts" : "./chunk-thread.js",
  import.meta.url,
);

/** What one message carries: enough that messages cost little, little enough that no thread waits for another at the end. */
const BATCH_BYTES = 256 * 1024;
const BATCH_FILES = 64;
/** A thread that takes longer hangs on something: parsing alone gives up after 2 seconds a file. */
const TIMEOUT_MS = 60_000;
const LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4 };

/** A file with whatever its caller knows it by. */
export interface Keyed<K> {
  readonly key: K;
  readonly file: SourceFile;
}

export interface Done<K> {
  readonly key: K;
  readonly chunked: ChunkedFile;
}

/**
 * Chunks files on two threads at most, and gives each with its caller's key, in any order; what they were read into is given
 * back. Files are taken as threads become free, so memory holds a few batches. A file that a thread dies of is `too_complex`; the others in its batch are not.
 */
export async function* chunkFiles<K>(
  files: AsyncIterable<Keyed<K>>,
): AsyncGenerator<Done<K>, void, undefined> {
  const threads = Array.from({ length: Math.min(2, availableParallelism()) }, () => new Thread());
  const busy = new Map<Thread, Promise<{ thread: Thread; done: Done<K>[] }>>();
  const give = (thread: Thread, batch: readonly Keyed<K>[]) => {
    const work = thread.chunk(batch.map(({ file }) => file)).then((chunked) => ({
      thread,
      done: batch.map(({ key, file }, i) => {
        release(file);
        return { key, chunked: chunked[i] ?? LOST };
      }),
    }));
    busy.set(thread, work);
  };
  const finishOne = async () => {
    const { thread, done } = await Promise.race(busy.values());
    busy.delete(thread);
    return done;
  };
  try {
    for await (const batch of batches(files)) {
      if (busy.size === threads.length) yield* await finishOne();
      const free = threads.find((thread) => !busy.has(thread));
      if (free) give(free, batch);
    }
    while (busy.size > 0) yield* await finishOne();
  } finally {
    await Promise.all(threads.map((thread) => thread.end()));
  }
}

const LOST: ChunkedFile = { skipped: "too_complex" };

async function* batches<K>(files: AsyncIterable<Keyed<K>>): AsyncGenerator<Keyed<K>[]> {
  let batch: Keyed<K>[] = [];
  let bytes = 0;
  for await (const item of files) {
    batch.push(item);
    bytes += item.file.bytes.length;
    if (bytes < BATCH_BYTES && batch.length < BATCH_FILES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

/** One worker thread, started anew when it died. */
class Thread {
  #worker: Worker | undefined;

  async chunk(files: ThreadRequest): Promise<ThreadReply> {
    const reply = await this.#ask(files);
    if (reply !== null) return reply;
    if (files.length === 1) return [LOST];
    // One of them was too much: alone, the others are not.
    const alone: ChunkedFile[] = [];
    for (const file of files) alone.push(...((await this.#ask([file])) ?? [LOST]));
    return alone;
  }

  /** Null when the thread died or did not end in time. Throws when no thread can be started: that is no file's fault. */
  async #ask(files: ThreadRequest): Promise<ThreadReply | null> {
    this.#worker ??= await started();
    const worker = this.#worker;
    const over = new AbortController();
    const { signal } = over;
    const timer = setTimeout(() => over.abort(), TIMEOUT_MS);
    const answered = once(worker, "message", { signal });
    const gone = once(worker, "exit", { signal }).then(() => [null]);
    gone.catch(() => undefined);
    worker.postMessage(files);
    try {
      const [reply] = await Promise.race([answered, gone]);
      if (reply !== null) return reply as ThreadReply;
    } catch (error) {
      // It died of an error, such as a full heap, or its time is over.
      log.warn("a chunking thread died", { files: files.length, error: errorMessage(error) });
    } finally {
      clearTimeout(timer);
      over.abort();
    }
    await this.end();
    return null;
  }

  async end(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }
}

/** Compiled once for all threads. */
let parser: Promise<WebAssembly.Module> | undefined;

async function started(): Promise<Worker> {
  // Read here, the vocabulary of tokens is shared with them.
  await import("../../ingest/chunk/vocabulary.ts");
  parser ??= compileParser().catch((error: unknown) => {
    parser = undefined;
    throw error;
  });
  const workerData: ThreadData = { parser: await parser };
  const worker = new Worker(THREAD, { resourceLimits: LIMITS, workerData });
  // Its first message says that it is there. An error before that is thrown here.
  await once(worker, "message");
  return worker;
}
