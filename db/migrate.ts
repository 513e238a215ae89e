import { fileURLToPath } from "node:url";
import type { PoolClient } from "@neondatabase/serverless";
import { sql } from "drizzle-orm";
import { migrate as runMigrations } from "drizzle-orm/neon-serverless/migrator";
import { type DatabaseAddress, openDatabase } from "./client.ts";

const MIGRATIONS = fileURLToPath(new URL("./migrations", import.meta.url));
/** Any constant will do, as long as nobody else locks on it. */
const LOCK = 7_203_114;
const TIMEOUT_MS = 10 * 60_000;
const NO_LIMITS = `set statement_timeout = ${TIMEOUT_MS}; set idle_in_transaction_session_timeout = 0`;

/** Brings a database to the newest schema. Repeated or concurrent calls are safe: one works, the others wait. */
export async function migrate(address: DatabaseAddress): Promise<void> {
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
