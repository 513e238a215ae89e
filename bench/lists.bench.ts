import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PoolClient } from "@neondatabase/serverless";
import { type Db, openDatabase } from "#db/client.ts";
import { migrate } from "#db/migrate.ts";
import { startNeon } from "#local/neon/server.ts";
import { explain, statementsOf } from "./explain.ts";
import { timed } from "./figures.ts";
import { QUERIES } from "./list-queries.ts";
import { fill, ROWS } from "./list-rows.ts";
import type { BenchResult } from "./result.ts";

const TIMEOUT_MS = 20 * 60_000;

/** Every list of the data layer over tables of a million rows: which index answers it, and how fast. */
export async function run(): Promise<BenchResult[]> {
  const dir = await mkdtemp(join(tmpdir(), "bench-lists-"));
  // PostgreSQL does not run as root: as root it is another account, which has to get in here.
  await chmod(dir, 0o711);
  const neon = await startNeon({ dir, durable: false });
  const address = { url: neon.url, wsProxy: neon.env.NEON_WS_PROXY };
  try {
    await migrate(address);
    const database = openDatabase(address, { poolSize: 2, queryTimeoutMs: TIMEOUT_MS });
    try {
      await fillAll(database);
      return await explainAll(database);
    } finally {
      await database.$client.end();
    }
  } finally {
    await neon.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function fillAll(database: Db): Promise<void> {
  const client: PoolClient = await database.$client.connect();
  try {
    // No foreign keys are checked, and no chain: whatever is here is only read.
    await client.query("set statement_timeout = 0; set session_replication_role = replica");
    for (const [table, statement] of Object.entries(fill())) {
      const ms = await timed(() => client.query(statement));
      console.error(`${ROWS} rows in ${table}: ${Math.round(ms / 1000)} s`);
    }
    await client.query("vacuum analyze");
  } finally {
    client.release(true);
  }
}

async function explainAll(database: Db): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const [name, query] of Object.entries(QUERIES)) {
    for (const [at, statement] of (await statementsOf(database, query)).entries()) {
      const { reads, sequential, ms } = await explain(database, statement);
      const nth = at === 0 ? "" : ` (${at + 1})`;
      results.push({
        what: `${name}${nth}: ${reads.join(", ")}`,
        value: Number(ms.toPrecision(3)),
        unit: "ms",
        peer: null,
        ratio: null,
        bar: "an index",
        ok: sequential.length === 0,
      });
    }
  }
  return results;
}
