import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { closeDb } from "#db/client.ts";
import { databaseUrl } from "./global.ts";
import { execute } from "./sql.ts";

export interface TestDatabase {
  readonly url: string;
  readonly wsProxy: string;
  /** What a child process needs to use the same database. */
  readonly env: { readonly DATABASE_URL: string; readonly NEON_WS_PROXY: string };
  /** Ends this process's pool and drops the database. */
  close(): Promise<void>;
}

/**
 * A fresh, migrated database for the calling test file, about 100 ms. `db()` uses it from now on, because
 * DATABASE_URL and NEON_WS_PROXY are set for this process.
 *
 *     let database: TestDatabase;
 *     beforeAll(async () => { database = await testDatabase(); });
 *     afterAll(() => database.close());
 */
export async function testDatabase(): Promise<TestDatabase> {
  const { url, wsProxy, drop } = await freshDatabase();
  const env = { DATABASE_URL: url, NEON_WS_PROXY: wsProxy };
  await closeDb();
  Object.assign(process.env, env);
  return {
    url,
    wsProxy,
    env,
    async close() {
      await closeDb();
      await drop();
    },
  };
}

/** A fresh, migrated database that nothing of this process uses by itself. */
export async function freshDatabase(): Promise<{
  url: string;
  wsProxy: string;
  drop(): Promise<void>;
}> {
  const server = inject("neon");
  const name = `test_${randomBytes(6).toString("hex")}`;
  await execute(server, `create database ${name} template ${server.template} strategy wal_log`);
  return {
    url: databaseUrl(server.url, name),
    wsProxy: server.wsProxy,
    // Force: a child process of the test may still hold a connection.
    drop: () => execute(server, `drop database if exists ${name} with (force)`),
  };
}
