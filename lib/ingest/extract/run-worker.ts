import { Worker } from "node:worker_threads";
import { FileRefused } from "../../errors.ts";
import type { ExtractJob, ExtractReply } from "./job.ts";

/**
 * The worker's entry: the source beside this file, or `extract-worker.js` beside the bundle that holds this module.
 * The build must emit `worker.ts` under that name.
 */
const WORKER = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./extract-worker.js",
  import.meta.url,
);

const MB = 1024 * 1024;

/**
 * Runs one job in a thread of its own and waits for its reply. Whatever the file does to the thread, it ends here as
 * FileRefused: `too_slow` past the deadline, `too_much_memory` past the heap, `corrupt` when the extractor broke.
 */
export function runInWorker(job: ExtractJob): Promise<ExtractReply> {
  const { deadlineMs, heapBytes } = job.limits;
  const worker = new Worker(WORKER, {
    workerData: job,
    // A parser of hostile input has no use for the environment, nor for the flags of the process.
    env: {},
    execArgv: [],
    stdin: false,
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(heapBytes / MB) },
  });
  return new Promise<ExtractReply>((resolve, reject) => {
    const timer = setTimeout(() => {
      const message = `Reading the file takes more than ${deadlineMs / 1000} s. Split it or simplify it.`;
      reject(new FileRefused("too_slow", message, { name: job.name, deadlineMs }));
    }, deadlineMs);
    worker.on("message", resolve);
    worker.on("error", (error) => reject(brokenBy(error, job)));
    worker.on("exit", (code) => reject(brokenBy(new Error(`worker exited with ${code}`), job)));
    worker.on("exit", () => clearTimeout(timer));
  }).finally(() => worker.terminate());
}

function brokenBy(error: unknown, job: ExtractJob): FileRefused {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    const message = "Reading the file takes more memory than is allowed. Split it or simplify it.";
    return new FileRefused("too_much_memory", message, { name: job.name }, error);
  }
  const message = "The file is damaged and cannot be read. Save it again and upload that.";
  return new FileRefused("corrupt", message, { name: job.name }, error);
}
