import { neonConfig, Pool, type PoolClient } from "@neondatabase/serverless";
import { joinedWebSocket } from "./joined-web-socket.ts";

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

export interface PoolLimits {
  readonly poolSize?: number;
  readonly queryTimeoutMs?: number;
}

/** A pool of WebSocket connections to a database; whoever opens one ends it. For what needs no more than SQL. */
export function openPool(address: DatabaseAddress, limits: PoolLimits = {}): Pool {
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
  return client;
}
