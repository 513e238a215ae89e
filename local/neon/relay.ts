import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

const MAX_CONNECTIONS = 256;
/** A query's text and parameters come in one frame at most; PostgreSQL itself refuses messages over 1 GB. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
/** Above this, the side that sends faster than the other reads is paused. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;
const PATH = "/v1";

export interface Relay {
  /** `host:port/path`, the value of NEON_WS_PROXY. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * A WebSocket server on 127.0.0.1:`port` that joins each connection to PostgreSQL at `postgresPort`, as Neon's own
 * proxy does. The address that a client asks for in the query string is ignored: this is a way to one database only.
 * Upgrades from web pages are refused, so no site that is open in a browser can reach it.
 */
export async function startRelay(options: { port: number; postgresPort: number }): Promise<Relay> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES });
  const server = createServer((request, response) => {
    response.writeHead(501, { "content-type": "text/plain" });
    response.end(
      `${request.method} ${request.url}: only WebSocket upgrades on ${PATH} are answered\n`,
    );
  });
  server.on("upgrade", (request, socket, head) => {
    const path = request.url?.split("?")[0];
    const refused = path !== PATH || request.headers.origin !== undefined;
    if (refused || sockets.clients.size >= MAX_CONNECTIONS) {
      socket.end(`HTTP/1.1 ${refused ? "403 Forbidden" : "503 Service Unavailable"}\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => join(ws, options.postgresPort));
  });
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}${PATH}`,
    async close() {
      for (const ws of sockets.clients) ws.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Copies bytes both ways until either side ends, then ends the other. */
function join(ws: WebSocket, postgresPort: number): void {
  const tcp = connect({ host: "127.0.0.1", port: postgresPort, noDelay: true });
  tcp.on("data", (data) => {
    ws.send(data, () => {
      if (tcp.isPaused() && ws.bufferedAmount < HIGH_WATER_BYTES) tcp.resume();
    });
    if (ws.bufferedAmount > HIGH_WATER_BYTES) tcp.pause();
  });
  ws.on("message", (data: Buffer) => {
    if (!tcp.write(data) && tcp.writableLength > HIGH_WATER_BYTES) ws.pause();
  });
  tcp.on("drain", () => ws.resume());
  tcp.on("close", () => ws.close());
  ws.on("close", () => tcp.destroy());
  // A broken connection is always followed by "close", which ends the other side; the client sees its own error.
  tcp.on("error", () => {});
  ws.on("error", () => {});
}
