import { drizzle } from "drizzle-orm/neon-serverless";
import { env, requiredEnv } from "#lib/env.ts";
import { type DatabaseAddress, openPool, type PoolLimits } from "./pool.ts";
import * as schema from "./schema.ts";

/** A database on a pool of connections; whoever opens one ends it with `$client.end()`. */
export function openDatabase(address: DatabaseAddress, limits: PoolLimits = {}) {
  return drizzle({ client: openPool(address, limits), schema });
}

export type Db = ReturnType<typeof openDatabase>;
export type Tx = Parameters<Parameters<Db["transaction"]>[0]>[0];
/** What a data function runs on: the pool, or the transaction of its caller. */
export type Executor = Db | Tx;

let shared: Db | undefined;

/** The process's database, opened at first use from DATABASE_URL (and NEON_WS_PROXY, locally). */
export function db(): Db {
  shared ??= openDatabase({ url: requiredEnv("DATABASE_URL"), wsProxy: env().NEON_WS_PROXY });
  return shared;
}

/**
 * Ends the shared pool; the next `db()` opens a new one. Safe to call when none is open. A command that does not call it
 * ends when the last connection has been idle for ten seconds.
 */
export async function closeDb(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await closing?.$client.end();
}
