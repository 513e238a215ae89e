import { availableParallelism } from "node:os";

/** Two at least, so that a good file passes while a bad one is dying; few, because each may take as much memory as the limits allow. */
const WORKERS = Math.min(4, Math.max(2, availableParallelism()));

let running = 0;
const waiting: (() => void)[] = [];

/** Runs `work` when fewer than the allowed number of extraction workers are busy; first come, first served. */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= WORKERS) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await work();
  } finally {
    // The place is handed on, not given back, so that nobody who comes now can take it first.
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}
