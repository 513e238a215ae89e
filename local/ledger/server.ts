import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { KEEP_ALIVE_MS, type LocalPart, type PartOptions } from "../part.ts";
import { keptSecret } from "../secret.ts";
import { routes } from "./routes.ts";
import { LedgerStore } from "./store.ts";

/**
 * Starts the ledger service: a small system outside ours in which named objects are created, looked up by the marker that
 * they carry, and which can be told to fail in every way that an HTTP API fails.
 */
export async function startLedger(options: PartOptions): Promise<LocalPart> {
  const store = new LedgerStore(options.dir);
  const token = await keptSecret(join(options.dir, "token"));
  const server = createAdaptorServer({ fetch: routes(store, token).fetch }) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(options.port ?? 0, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    store.close();
    throw error;
  }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    name: "ledger",
    url,
    env: { LEDGER_URL: url, LEDGER_TOKEN: token },
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
      store.close();
    },
  };
}
