import { openDatabase } from "#db/client.ts";

/** One statement on a connection of its own, for what cannot run in a pool or a transaction. */
export async function execute(
  server: { url: string; wsProxy: string },
  statement: string,
): Promise<void> {
  const { $client } = openDatabase(server, { poolSize: 1 });
  try {
    await $client.query(statement);
  } finally {
    await $client.end();
  }
}
