import { inject } from "vitest";
import { closeDb } from "#db/client.ts";
import { copyOfTemplate } from "./sql.ts";

export interface TestDatabase {
  readonly url: string;
  readonly wsProxy: string;
  /** What a child process needs to use the same database. */
  readonly env: { readonly DATABASE_URL: string; readonly NEON_WS_PROXY: string };
  /** Ends this process's pool. The database goes with the server. */
  close(): Promise<void>;
}

/**
 * A fresh, migrated database for the calling test file, about 30 ms. `db()` uses it from now on, because
 * DATABASE_URL and NEON_WS_PROXY are set for this process.
 *
 *     let database: TestDatabase;
 *     beforeAll(async () => { database = await testDatabase(); });
 *     afterAll(() => database.close());
 */
export async function testDatabase(): Promise<TestDatabase> {
  const { url, wsProxy } = await freshDatabase();
  const env = { DATABASE_URL: url, NEON_WS_PROXY: wsProxy };
  await closeDb();
  Object.assign(process.env, env);
  return {
    url,
    wsProxy,
    env,
    close: closeDb,
  };
}

/** A fresh, migrated database that nothing of this process uses by itself. */
export const freshDatabase = () => copyOfTemplate(inject("neon"));
