import { FileRefused } from "../../errors.ts";
import type { ExtractedDocument } from "../document.ts";
import type { ExtractJob, ExtractReply } from "./job.ts";
import { refused } from "./refusal.ts";
import { inTurn } from "./worker-gate.ts";
import { keep, takeWarm } from "./worker-pool.ts";
import { WorkerProcess } from "./worker-process.ts";

/**
 * Runs one job in a worker process, when its turn comes, and waits for the reply. Whatever the file does to that process,
 * it ends here as FileRefused: `too_slow` past the deadline, `too_much_memory` past the heap or the memory in all,
 * `corrupt` when the parser crashed, else what the parser says. A worker that cannot even start is our fault and throws a
 * plain Error, which is worth a retry.
 */
export function runInWorker(job: ExtractJob): Promise<ExtractedDocument> {
  return inTurn(async () => {
    const reply = await replyOf(job);
    if (reply.kind === "refused") throw refused(reply);
    return reply.document;
  });
}

async function replyOf(job: ExtractJob): Promise<ExtractReply> {
  const kind = { heapBytes: job.limits.heapBytes, pdf: job.detected.format === "pdf" };
  const warm = takeWarm(kind);
  if (warm) {
    try {
      return await run(warm, job);
    } catch (error) {
      // The time is spent. Anything else may be left over from a file before: a fresh worker says whose fault it is.
      if (error instanceof FileRefused && error.code === "too_slow") throw error;
    }
  }
  return await run(new WorkerProcess(kind), job);
}

async function run(worker: WorkerProcess, job: ExtractJob): Promise<ExtractReply> {
  let reply: ExtractReply | undefined;
  try {
    reply = await worker.run(job);
    return reply;
  } finally {
    if (reply?.kind !== "document" || !(await keep(worker))) await worker.end();
  }
}
