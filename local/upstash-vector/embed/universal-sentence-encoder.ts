import { Worker } from "node:worker_threads";
import type { Embedder } from "./embedder.ts";
import type { EmbedReply, EmbedRequest } from "./worker.ts";

const DIMENSION = 512;
/**
 * The model reads 128 tokens and drops the rest, while its tokenizer takes time that grows with the square of
 * the length: what cannot count is cut before it costs.
 */
const MAX_CHARACTERS = 1_000;

/** As many batches as are embedded while another thread starts: with fewer waiting for each, one more is of no use. */
const WORTH_A_THREAD = 3;

const CLOSED = new Error("the embedder is closed");

interface Job {
  readonly texts: readonly string[];
  readonly resolve: (vectors: Float32Array[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Universal Sentence Encoder lite (English, 512 dimensions, unit length) in worker threads, so that the server
 * keeps answering while documents are embedded. A thread is started when there is enough work for it: it takes half a
 * second and about 150 MB. A thread that dies fails the job it had; the next job gets a new one.
 */
export function universalSentenceEncoder(threads = 2): Embedder {
  const urgent: Job[] = [];
  const waiting: Job[] = [];
  const idle: Worker[] = [];
  const busy = new Map<Worker, Job>();
  let closed = false;

  function start(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { execArgv: [] });
    worker.on("message", (reply: EmbedReply) => {
      const job = busy.get(worker);
      busy.delete(worker);
      idle.push(worker);
      if ("error" in reply) job?.reject(new Error(reply.error));
      else job?.resolve(split(reply.vectors));
      dispatch();
    });
    worker.on("error", (error) => lose(worker, error as Error));
    worker.on("exit", (code) => lose(worker, new Error(`the embedding thread ended (${code})`)));
    return worker;
  }

  function lose(worker: Worker, error: Error): void {
    const job = busy.get(worker);
    busy.delete(worker);
    const at = idle.indexOf(worker);
    if (at !== -1) idle.splice(at, 1);
    job?.reject(closed ? CLOSED : error);
    if (!closed) dispatch();
  }

  function isWorthAThread(): boolean {
    const { size } = busy;
    return size < threads && urgent.length + waiting.length > size * WORTH_A_THREAD;
  }

  function dispatch(): void {
    while (urgent.length + waiting.length > 0) {
      const worker = idle.pop() ?? (isWorthAThread() ? start() : undefined);
      const job = worker && (urgent.shift() ?? waiting.shift());
      if (!worker || !job) return;
      busy.set(worker, job);
      worker.postMessage({ texts: job.texts } satisfies EmbedRequest);
    }
  }

  return {
    model: "universal-sentence-encoder-lite",
    dimension: DIMENSION,
    embed(texts, options) {
      if (closed) return Promise.reject(CLOSED);
      return new Promise((resolve, reject) => {
        const cut = texts.map((text) => text.slice(0, MAX_CHARACTERS));
        (options?.urgent ? urgent : waiting).push({ texts: cut, resolve, reject });
        dispatch();
      });
    },
    async close() {
      closed = true;
      // Those under way too: a thread may still answer before it has ended.
      const open = [...urgent.splice(0), ...waiting.splice(0), ...busy.values()];
      for (const job of open) job.reject(CLOSED);
      await Promise.all([...idle, ...busy.keys()].map((worker) => worker.terminate()));
    },
  };
}

function split(vectors: Float32Array): Float32Array[] {
  const count = vectors.length / DIMENSION;
  return Array.from({ length: count }, (_, i) =>
    vectors.subarray(i * DIMENSION, (i + 1) * DIMENSION),
  );
}
