import { openPool } from "#db/pool.ts";

/** One statement on a connection of its own, for what cannot run in a pool or a transaction. */
export async function execute(
  server: { url: string; wsProxy: string },
  statement: string,
): Promise<void> {
  const pool = openPool(server, { poolSize: 1 });
  try {
    await pool.query(statement);
  } finally {
    await pool.end();
  }
}
