import type { Registry } from "./registry.ts";
import type { Database } from "./store/database.ts";
import type { Events, InngestEvent } from "./store/events.ts";
import type { IdempotencyKeys } from "./store/keys.ts";
import type { Metadata } from "./store/metadata.ts";
import type { Pauses } from "./store/pauses.ts";
import type { Queue } from "./store/queue.ts";
import type { Rates } from "./store/rates.ts";
import type { Runs } from "./store/runs.ts";

/** How the engine behaves; every field has a default in `server.ts`. */
export interface EngineOptions {
  /** A fixed time between attempts in milliseconds, for tests; absent: production's schedule. */
  readonly retryDelayMs?: number;
  /** How long one call of the app may take, in milliseconds. */
  readonly callTimeoutMs: number;
  /** Calls of apps that may be under way at the same time. */
  readonly maxCalls: number;
}

/** The parts of one running engine, handed to the functions that work on them. */
export interface Engine {
  readonly options: EngineOptions;
  readonly db: Database;
  readonly events: Events;
  readonly runs: Runs;
  readonly queue: Queue;
  readonly pauses: Pauses;
  readonly keys: IdempotencyKeys;
  readonly rates: Rates;
  readonly metadata: Metadata;
  readonly registry: Registry;
  /** Takes in an event of the engine's own, in the transaction that is under way. */
  publish(event: InngestEvent): void;
  /** One line for the person at the laptop. */
  log(message: string): void;
}
