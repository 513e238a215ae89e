import { fileURLToPath } from "node:url";
import type { PoolClient } from "@neondatabase/serverless";
import { sql } from "drizzle-orm";
import { migrate as runMigrations } from "drizzle-orm/neon-serverless/migrator";
import { openDatabase } from "./client.ts";
import type { DatabaseAddress } from "./pool.ts";

const MIGRATIONS = fileURLToPath(new URL("./migrations", import.meta.url));
/** Any constant will do, as long as nobody else locks on it. */
const LOCK = 7_203_114;
const TIMEOUT_MS = 10 * 60_000;
const NO_LIMITS = `set statement_timeout = ${TIMEOUT_MS}; set idle_in_transaction_session_timeout = 0`;

/**
 * Brings a database to the newest schema. Repeated or concurrent calls, also of several machines, are safe: one works, the
 * others wait. The lock is a transaction's: one of a session would be left behind on a server connection that a pooler hands
 * to somebody else.
 */
export async function migrate({ url, wsProxy }: DatabaseAddress): Promise<void> {
  const address = { url: directUrl(url), wsProxy };
  // The second connection holds the lock, because the migrator opens a transaction of its own.
  const database = openDatabase(address, { poolSize: 2, queryTimeoutMs: TIMEOUT_MS });
  database.$client.on("connect", (connection: PoolClient) => {
    // An index on a large table takes its time, and the lock's transaction is idle meanwhile. This runs before whatever
    // the connection was made for, which fails as well when this does.
    connection.query(NO_LIMITS).catch(() => {});
  });
  try {
    await database.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${LOCK})`);
      await runMigrations(database, { migrationsFolder: MIGRATIONS });
    });
  } finally {
    await database.$client.end();
  }
}

/**
 * The same Neon database without its pooler, which is the host's name with `-pooler` behind the endpoint: the limits above are
 * set for a session, and a pooler gives each transaction whichever it has. Every other URL stays as it is.
 * https://neon.com/docs/connect/connection-pooling
 */
export function directUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const direct = new URL(url);
  const host = direct.hostname.replace(/^([^.]+)-pooler\.((?:[^.]+\.)+neon\.tech)$/, "$1.$2");
  if (host === direct.hostname) return url;
  direct.hostname = host;
  return direct.href;
}
