import { type ChildProcess, fork } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { FileRefused } from "../../errors.ts";
import type { ExtractedDocument } from "../document.ts";
import type { ExtractJob, ExtractReply } from "./job.ts";
import { inTurn } from "./worker-gate.ts";

/**
 * The worker's entry: the source beside this file, or `extract-worker.js` beside the bundle that holds this module.
 * The build must emit `worker.ts` under that name.
 */
const WORKER = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./extract-worker.js",
  import.meta.url,
);

const MB = 1024 * 1024;
const WATCH_MS = 50;
/** How much of what a worker wrote to stderr is kept, in characters. */
const COMPLAINT_LENGTH = 2_000;

/**
 * Runs one job in a process of its own, when its turn comes, and waits for the reply. Whatever the file does to that
 * process, it ends here as FileRefused: `too_slow` past the deadline, `too_much_memory` past the heap or the memory in
 * all, `corrupt` when the parser crashed, else what the parser says. A worker that cannot even start is our fault and
 * throws a plain Error, which is worth a retry.
 *
 * It is a process and not a thread because V8 cannot always unwind a thread that is out of memory: inside a long
 * built-in it ends the whole process instead, and a Word document of 40 KB is enough to make it do so.
 */
export function runInWorker(job: ExtractJob): Promise<ExtractedDocument> {
  return inTurn(async () => {
    const reply = await replyOf(job);
    if (reply.kind === "refused") throw new FileRefused(reply.code, reply.message, reply.context);
    return reply.document;
  });
}

async function replyOf(job: ExtractJob): Promise<ExtractReply> {
  const worker = startWorker(job);
  const { promise, resolve, reject } = Promise.withResolvers<ExtractReply>();
  worker.on("message", (reply) => resolve(reply as ExtractReply));
  worker.on("error", reject);
  let complaint = "";
  worker.stderr?.on("data", (text: Buffer) => {
    complaint = (complaint + text).slice(-COMPLAINT_LENGTH);
  });
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", (code, by) => {
      const failed = new Error(`An extraction worker ended with ${code}: ${complaint}`);
      reject(by ? killedBy(by, job) : failed);
      resolve();
    });
  });
  const deadline = setTimeout(() => reject(tooSlow(job)), job.limits.deadlineMs);
  const watch = setInterval(() => void refuseMemory(worker, job, reject), WATCH_MS);
  try {
    worker.send(job);
    return await promise;
  } finally {
    clearTimeout(deadline);
    clearInterval(watch);
    worker.kill("SIGKILL");
    if (worker.pid !== undefined) await ended;
  }
}

function startWorker(job: ExtractJob): ChildProcess {
  return fork(fileURLToPath(WORKER), [], {
    // A parser of hostile input needs no environment, writes no file and starts no program.
    env: {},
    execArgv: [
      "--permission",
      "--allow-fs-read=*",
      `--max-old-space-size=${Math.ceil(job.limits.heapBytes / MB)}`,
    ],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
}

/** The heap limit counts neither buffers nor WebAssembly, so the whole of it is watched from outside. */
async function refuseMemory(
  worker: ChildProcess,
  job: ExtractJob,
  reject: (reason: unknown) => void,
): Promise<void> {
  const resident = await residentBytes(worker.pid);
  if (resident > job.limits.memoryBytes) reject(tooMuchMemory(job));
}

/** Memory that a process occupies, in bytes; 0 where the system does not tell, or when it is gone. */
async function residentBytes(pid: number | undefined): Promise<number> {
  try {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    // Not Linux, or the process has just ended, which its own event tells.
    return 0;
  }
}

/** V8 aborts when its heap is full, and the system kills when memory is. Any other signal is a crash. */
function killedBy(signal: string, job: ExtractJob): FileRefused {
  if (["SIGABRT", "SIGKILL", "SIGTRAP"].includes(signal)) return tooMuchMemory(job);
  const message = "The file is damaged and cannot be read. Save it again and upload that.";
  return new FileRefused("corrupt", message, { name: job.name, signal });
}

function tooMuchMemory(job: ExtractJob): FileRefused {
  const message = "Reading the file takes more memory than is allowed. Split it or simplify it.";
  return new FileRefused("too_much_memory", message, { name: job.name });
}

function tooSlow(job: ExtractJob): FileRefused {
  const seconds = job.limits.deadlineMs / 1000;
  const message = `Reading the file takes more than ${seconds} s. Split it or simplify it.`;
  return new FileRefused("too_slow", message, { name: job.name, seconds });
}
