import { errorMessage } from "#lib/errors.ts";
import { reconnectDelay } from "./backoff.ts";
import type { Engine } from "./engine.ts";
import type { QueueItem } from "./store/queue.ts";

/**
 * What failed inside the engine is done again after a while, without counting an attempt.
 * @throws when the database cannot be written: that ends the engine, and its next start goes on from what was committed.
 */
export function doAgain(engine: Engine, item: QueueItem, error: unknown): void {
  engine.log(`${item.kind} ${item.id} failed inside the engine: ${errorMessage(error)}`);
  engine.queue.move(item.id, {
    due_at: Date.now() + reconnectDelay(item.failures),
    attempt: item.attempt,
    failures: item.failures + 1,
    last_error: errorMessage(error),
  });
}
