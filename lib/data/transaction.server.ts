import { db, type Tx } from "#db/client.ts";

export type { Tx };

/**
 * Runs `work` in one READ COMMITTED transaction: all of its writes are there afterwards, or none. Rooms outside lib/data
 * open one to do several things at once and pass it on; they never query with it themselves.
 */
export async function transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
  return await db().transaction(work);
}
