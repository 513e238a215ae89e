import { Worker } from "node:worker_threads";
import { FileRefused } from "../../errors.ts";
import type { ExtractJob, ExtractReply } from "./job.ts";
import { inTurn } from "./thread-gate.ts";

/**
 * The worker's entry: the source beside this file, or `extract-worker.js` beside the bundle that holds this module.
 * The build must emit `worker.ts` under that name.
 */
const WORKER = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./extract-worker.js",
  import.meta.url,
);

const MB = 1024 * 1024;
const WATCH_MS = 100;

/** What a worker answers when nothing was wrong with the file. */
export type ExtractResult = Exclude<ExtractReply, { kind: "refused" }>;

/**
 * Runs one job in a thread of its own, when there is one free, and waits for its reply. Whatever the file does to the
 * thread, it ends here as FileRefused: `too_slow` past the deadline, `too_much_memory` past the heap or the memory
 * outside it, `corrupt` when the extractor broke, else what the extractor says. `signal` ends the thread early.
 */
export function runInWorker(job: ExtractJob, signal?: AbortSignal): Promise<ExtractResult> {
  return inTurn(async () => {
    signal?.throwIfAborted();
    const reply = await replyOf(job, signal);
    if (reply.kind === "refused") throw new FileRefused(reply.code, reply.message, reply.context);
    return reply;
  });
}

async function replyOf(job: ExtractJob, signal?: AbortSignal): Promise<ExtractReply> {
  const worker = new Worker(WORKER, {
    workerData: job,
    // A parser of hostile input has no use for the environment, nor for the flags of the process.
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(job.limits.heapBytes / MB) },
  });
  const { promise, resolve, reject } = Promise.withResolvers<ExtractReply>();
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener("abort", onAbort);
  worker.on("message", resolve);
  worker.on("error", (error) => reject(brokenBy(error, job)));
  worker.on("exit", (code) => reject(brokenBy(new Error(`worker exited with ${code}`), job)));
  const deadline = setTimeout(() => reject(tooSlow(job)), job.limits.deadlineMs);
  const watch = setInterval(() => void refuseMemory(worker, job, reject), WATCH_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    clearInterval(watch);
    signal?.removeEventListener("abort", onAbort);
    await worker.terminate();
  }
}

/** The heap limit does not count buffers, so they are watched from outside. */
async function refuseMemory(
  worker: Worker,
  job: ExtractJob,
  reject: (reason: unknown) => void,
): Promise<void> {
  try {
    const { external_memory } = await worker.getHeapStatistics();
    if (external_memory > job.limits.externalBytes) reject(tooMuchMemory(job));
  } catch {
    // The worker ended while it was asked, and its end is reported by its own events.
  }
}

function brokenBy(error: unknown, job: ExtractJob): FileRefused {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") return tooMuchMemory(job, error);
  const message = "The file is damaged and cannot be read. Save it again and upload that.";
  return new FileRefused("corrupt", message, { name: job.name }, error);
}

function tooMuchMemory(job: ExtractJob, cause?: unknown): FileRefused {
  const message = "Reading the file takes more memory than is allowed. Split it or simplify it.";
  return new FileRefused("too_much_memory", message, { name: job.name }, cause);
}

function tooSlow(job: ExtractJob): FileRefused {
  const seconds = job.limits.deadlineMs / 1000;
  const message = `Reading the file takes more than ${seconds} s. Split it or simplify it.`;
  return new FileRefused("too_slow", message, { name: job.name, seconds });
}
