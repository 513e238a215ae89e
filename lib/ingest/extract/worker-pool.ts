import type { WorkerKind, WorkerProcess } from "./worker-process.ts";

/** A worker takes half a second to start, and its code runs slowly at first: what a short file takes in all. */
const IDLE_MS = 30_000;
/** Long enough to be worth it, short enough that nothing adds up. */
const MAX_JOBS = 100;
/** What a worker may occupy and be kept, in bytes: a large file's memory goes back to the system with its worker. */
const MAX_IDLE_BYTES = 192 * 1024 * 1024;

const idle = new Map<WorkerProcess, NodeJS.Timeout>();

/** A worker of this kind that has read a file before and is waiting for the next, if there is one. */
export function takeWarm({ heapBytes, pdf }: WorkerKind): WorkerProcess | undefined {
  for (const [worker, timer] of idle) {
    if (worker.kind.heapBytes !== heapBytes || worker.kind.pdf !== pdf) continue;
    clearTimeout(timer);
    idle.delete(worker);
    worker.hold(true);
    return worker;
  }
  return undefined;
}

/**
 * Keeps a worker for the next file, for a while; false when it must not be kept. Each PDF lives in a PDFium of its own, so
 * the next one meets nothing of it. Other parsers are JavaScript, in which a file might leave something behind.
 */
export async function keep(worker: WorkerProcess): Promise<boolean> {
  if (!worker.kind.pdf || worker.jobs >= MAX_JOBS) return false;
  if ((await worker.residentBytes()) > MAX_IDLE_BYTES) return false;
  // Waiting for files must not keep this process alive. The worker ends when this process does.
  worker.hold(false);
  const timer = setTimeout(() => {
    idle.delete(worker);
    void worker.end();
  }, IDLE_MS).unref();
  idle.set(worker, timer);
  void worker.ended().then(() => {
    clearTimeout(timer);
    idle.delete(worker);
  });
  return true;
}
