import { schemaState } from "../../data/schema-state.server.ts";
import { type Check, CheckFailed, ok } from "../check.ts";

const MIGRATE = "Run npm run db:migrate with this DATABASE_URL.";

export const database: Check = {
  name: "Postgres",
  remedy:
    "Check DATABASE_URL, and NEON_WS_PROXY when the database is not Neon: the relay must let that host and port through.",
  async run({ DATABASE_URL, NEON_WS_PROXY }) {
    if (DATABASE_URL === undefined) {
      throw new CheckFailed("DATABASE_URL is not set.", "Set it to a Postgres connection string.");
    }
    const { server, pending, newer } = await schemaState().catch(explained);
    const [first] = pending;
    if (first !== undefined) {
      const what = `The schema lacks ${pending.length} migrations, from ${first} on.`;
      throw new CheckFailed(what, MIGRATE);
    }
    if (newer) {
      const what = "The schema is newer than this code.";
      throw new CheckFailed(
        what,
        "Run the version of Countersign that migrated it, or a later one.",
      );
    }
    const by = NEON_WS_PROXY === undefined ? "" : ", through the relay of NEON_WS_PROXY";
    return ok(`PostgreSQL ${server} with the newest schema${by}`);
  },
};

/** A WebSocket that does not open gives an event that says nothing, and the query's text would not say why. */
function explained(error: unknown): never {
  if (error instanceof Error && error.cause instanceof Error) throw error;
  throw new CheckFailed("No connection could be made.", undefined, error);
}
