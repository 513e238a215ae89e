import { sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";

/** Throws when the database does not answer. */
export async function pingDatabase(executor: Executor = db()): Promise<void> {
  await executor.execute(sql`select 1`);
}
