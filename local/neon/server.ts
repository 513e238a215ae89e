import type { LocalPart, PartOptions } from "../part.ts";
import { startPostgres } from "./postgres.ts";
import { startRelay } from "./relay.ts";

export interface NeonOptions extends PartOptions {
  /** False trades what protects the data from a power cut for speed; for tests. Default true. */
  readonly durable?: boolean;
}

/**
 * The local Neon: PostgreSQL with its data under `dir` and, on `port`, the WebSocket relay that the Neon driver
 * connects through. The database is empty at first; `db/migrate.ts` gives it the schema.
 */
export async function startNeon(options: NeonOptions): Promise<LocalPart> {
  const postgres = await startPostgres({ dir: options.dir, durable: options.durable ?? true });
  try {
    const relay = await startRelay({ port: options.port ?? 0, postgresPort: postgres.port });
    const { user, password, port } = postgres;
    const url = `postgres://${user}:${password}@127.0.0.1:${port}/postgres`;
    return {
      name: "neon",
      url,
      env: { DATABASE_URL: url, NEON_WS_PROXY: relay.address },
      async close() {
        await relay.close();
        await postgres.close();
      },
    };
  } catch (error) {
    await postgres.close();
    throw error;
  }
}
