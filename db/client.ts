import { neonConfig, Pool, type PoolClient } from "@neondatabase/serverless";
import { drizzle } from "drizzle-orm/neon-serverless";
import { env, requiredEnv } from "#lib/env.ts";
import { joinedWebSocket } from "./joined-web-socket.ts";
import * as schema from "./schema.ts";

/** Enough for one instance's parallel steps; Neon's own pooler shares the server among instances. */
const POOL_SIZE = 10;
/** Above the server's own limit of 30 s for a statement (migration 0004): only for when no answer comes any more. */
const QUERY_TIMEOUT_MS = 40_000;
const CONNECT_TIMEOUT_MS = 10_000;
const MAX_LIFETIME_SECONDS = 5 * 60;

/** Where the database is: a postgres:// URL and, only locally, the relay's `host:port/path`. */
export interface DatabaseAddress {
  readonly url: string;
  readonly wsProxy?: string | undefined;
}

/** A database on a pool of WebSocket connections; whoever opens one ends it with `$client.end()`. */
export function openDatabase(
  address: DatabaseAddress,
  limits: { poolSize?: number; queryTimeoutMs?: number } = {},
) {
  // The driver reads these process-wide. Node's own WebSocket: what Neon's edge and the local relay both accept.
  neonConfig.webSocketConstructor = joinedWebSocket();
  neonConfig.coalesceWrites = false;
  if (address.wsProxy) {
    neonConfig.wsProxy = address.wsProxy;
    neonConfig.useSecureWebSocket = false;
    // Saves round trips over the internet and costs time on the loopback; it also wants Neon's password auth.
    neonConfig.pipelineConnect = false;
  }
  const client = new Pool({
    connectionString: address.url,
    max: limits.poolSize ?? POOL_SIZE,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: limits.queryTimeoutMs ?? QUERY_TIMEOUT_MS,
    // One that has died without a word comes back from a failed transaction into the pool: it must not stay for ever.
    maxLifetimeSeconds: MAX_LIFETIME_SECONDS,
  });
  // An idle connection that breaks is replaced by the pool at the next query; unheard, it would end the process.
  client.on("error", () => {
    if (!client.ending) console.warn("an idle database connection broke and will be replaced");
  });
  // One that breaks while a transaction has it: its query fails and says so. The pool does not listen to what it has lent.
  client.on("connect", (connection: PoolClient) => connection.on("error", () => {}));
  return drizzle({ client, schema });
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
