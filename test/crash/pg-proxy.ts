import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import type { Pass } from "./http-gate.ts";
import { Framer, type Request, Requests } from "./pg-messages.ts";

/** A statement that an app sends: what it says and who says it. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly (string | null)[];
  /** The path that the app connected to without its slash: each app process gets one of its own. */
  readonly client: string;
  /** Counts connections. */
  readonly connection: number;
}

/**
 * Sees every statement twice, and may take its time: what it returns a promise for stands still until then. A promise of
 * false cuts the connection instead: the statement does not reach PostgreSQL, or its answer not the app.
 */
export interface Watch {
  before(statement: Statement): Pass | Promise<Pass>;
  /** PostgreSQL has done it (or refused it) and stands still. */
  after(statement: Statement): Pass | Promise<Pass>;
}

export interface PgProxy {
  /** `host:port`; with a path behind it, the value of an app's NEON_WS_PROXY. */
  readonly host: string;
  /** Ends every connection of a client, both sides, as the end of its process would. */
  cut(client: string): void;
  close(): Promise<void>;
}

/**
 * Stands between apps and the local Neon's relay, and reads the PostgreSQL protocol that goes through, so that statements can
 * be watched, held and cut off.
 * @param relay `host:port/path` of the relay.
 */
export async function startPgProxy(relay: string, watch: Watch): Promise<PgProxy> {
  const joined = new Set<{ client: string; cut: () => void }>();
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer((_, response) => response.writeHead(501).end());
  let connections = 0;
  server.on("upgrade", (request, socket, head) => {
    const client = new URL(request.url ?? "/", "http://proxy").pathname.slice(1);
    sockets.handleUpgrade(request, socket, head, (ws) => {
      const upstream = new WebSocket(`ws://${relay}`);
      const cut = join(ws, upstream, { client, connection: ++connections }, watch);
      const entry = { client, cut };
      joined.add(entry);
      ws.on("close", () => joined.delete(entry));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut(client) {
      for (const entry of joined) if (entry.client === client) entry.cut();
    },
    async close() {
      for (const { cut } of joined) cut();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Passes messages both ways, statement by statement. Returns what ends both sides at once. */
function join(
  ws: WebSocket,
  upstream: WebSocket,
  from: Pick<Statement, "client" | "connection">,
  watch: Watch,
): () => void {
  const cut = () => {
    ws.terminate();
    upstream.terminate();
  };
  const guarded = (work: Promise<void>) => {
    work.catch((error: unknown) => {
      console.error("pg-proxy:", error);
      cut();
    });
  };
  const opened = once(upstream, "open");
  // A client may go before that, and nobody waits for it any more; who does sees it all the same.
  opened.catch(() => {});
  /** Statements that PostgreSQL works on, in the order in which it will answer them. */
  const underWay: Statement[] = [];
  let loggedIn = false;

  const clientFramer = new Framer(true);
  const requests = new Requests();
  const forward = async ({ sql, params, bytes }: Request) => {
    const statement = { sql, params, ...from };
    if (!(await watch.before(statement))) return cut();
    underWay.push(statement);
    upstream.send(bytes);
  };
  let sending: Promise<unknown> = opened;
  ws.on("message", (data: Buffer) => {
    sending = sending.then(async () => {
      for (const message of clientFramer.push(data)) {
        // Until the login is over, and for what ends the connection, there is nothing to watch.
        if (!loggedIn || message.type === "X") upstream.send(message.bytes);
        else {
          const request = requests.push(message);
          if (request) await forward(request);
        }
      }
    });
    guarded(sending as Promise<void>);
  });

  const serverFramer = new Framer();
  let answer: Buffer[] = [];
  let answering: Promise<void> = Promise.resolve();
  upstream.on("message", (data: Buffer) => {
    answering = answering.then(async () => {
      for (const { type, bytes } of serverFramer.push(data)) {
        answer.push(bytes);
        // Held back until PostgreSQL is ready for more: only then has it done all that it was asked for.
        if (loggedIn && type !== "Z") continue;
        const statement = loggedIn ? underWay.shift() : undefined;
        if (type === "Z") loggedIn = true;
        if (statement && !(await watch.after(statement))) return cut();
        ws.send(Buffer.concat(answer));
        answer = [];
      }
    });
    guarded(answering);
  });

  ws.on("close", () => upstream.terminate());
  upstream.on("close", () => ws.terminate());
  // A broken connection is always followed by "close", which ends the other side.
  ws.on("error", () => {});
  upstream.on("error", () => {});
  return cut;
}
