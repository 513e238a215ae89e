import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { getRequestListener } from "@hono/node-server";
import type { Fetch } from "./api.ts";

/** Above what proxies keep a connection open for (nginx 60 s), so that they never send on one that is being closed. */
const KEEP_ALIVE_MS = 75_000;
/** Each request may use a connection of the database's pool and memory for a body; what comes beyond is closed at once. */
const MAX_CONNECTIONS = 1000;
/** For all of a request with its body: the largest upload, 100 MB, on a line of 0.25 Mbit/s. Node's own limit is 5 minutes. */
const REQUEST_MS = 60 * 60_000;
const LOOK_MS = 20;

export interface Listening {
  /** Base URL, with the port that was got. */
  readonly url: string;
  /**
   * Takes no more connections, and ends when the requests that are under way have their answers, or after `limitMs`
   * milliseconds; those that are left then are cut off. Returns how many connections were. Safe to call twice.
   */
  stop(limitMs: number): Promise<number>;
}

/** Serves Web-standard requests on Node's own server. Throws what listening throws, such as EADDRINUSE. */
export async function listen(
  fetch: Fetch,
  { port, host }: { readonly port: number; readonly host: string },
): Promise<Listening> {
  const timeouts = { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_MS };
  const server = createServer(timeouts, getRequestListener(fetch));
  server.maxConnections = MAX_CONNECTIONS;
  const connections = new Set<Socket>();
  server.on("connection", (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  server.listen(port, host);
  await once(server, "listening");
  const bound = server.address() as AddressInfo;
  const name = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return {
    url: `http://${name}:${bound.port}`,
    async stop(limitMs) {
      const until = performance.now() + limitMs;
      if (server.listening) server.close();
      while (connections.size > 0 && performance.now() < until) {
        // One that had a request under way is idle once it is answered, and would be kept open.
        server.closeIdleConnections();
        // One on which nothing has come yet is not idle to Node: its request might be late.
        for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
        await setTimeout(LOOK_MS);
      }
      const left = connections.size;
      server.closeAllConnections();
      return left;
    },
  };
}
