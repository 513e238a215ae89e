import { sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import journal from "#db/migrations/meta/_journal.json" with { type: "json" };

/** Whether a database has the schema that this code was written for. */
export interface SchemaState {
  /** Of PostgreSQL, such as `18.4`. */
  readonly server: string;
  /** Names of the migrations that it lacks, in their order. */
  readonly pending: readonly string[];
  /** Whether it has a migration that this code does not know: a newer version has been here. */
  readonly newer: boolean;
}

/** Reads what the migrator has noted. */
export async function schemaState(executor: Executor = db()): Promise<SchemaState> {
  const { rows } = await executor.execute<{ server: string; noted: boolean }>(
    sql`select current_setting('server_version') as server,
               to_regclass('drizzle.__drizzle_migrations') is not null as noted`,
  );
  const { server = "", noted = false } = rows[0] ?? {};
  // The migrator goes by the time of the newest one that was applied.
  const last = noted ? await newest(executor) : 0;
  return {
    server: server.split(" ")[0] ?? server,
    pending: journal.entries.filter(({ when }) => when > last).map(({ tag }) => tag),
    newer: journal.entries.every(({ when }) => when < last),
  };
}

async function newest(executor: Executor): Promise<number> {
  const { rows } = await executor.execute<{ last: string | null }>(
    sql`select max(created_at) as last from drizzle.__drizzle_migrations`,
  );
  return Number(rows[0]?.last ?? 0);
}
