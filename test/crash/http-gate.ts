import { once } from "node:events";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/** One HTTP call that goes through. */
export interface Call {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly body: string;
}

/** Whether something may go on; `if awaited`: only when whoever sent it still waits for an answer. */
export type Pass = boolean | "if awaited";

/** As with statements: what is returned holds the call until then, false cuts the caller off. */
export interface CallWatch {
  before(call: Call): Pass | Promise<Pass>;
  /** The target has answered; its answer stands still. Not called when the target gave none. */
  after(call: Call): Pass | Promise<Pass>;
}

export interface HttpGate {
  readonly url: string;
  /** Ends the callers' connections, and lets the target finish what it was asked for, unheard. */
  abandon(): void;
  /** How many callers wait for an answer. */
  callers(): number;
  /** How many calls the target has not answered yet. */
  underWay(): number;
  close(): Promise<void>;
}

/**
 * Stands in front of an HTTP service and passes calls on, so that they can be watched, held and cut off. A call that was let
 * through reaches the target even when its caller has gone, as a late packet does, unless the watch says otherwise.
 * @param target gives the service's base URL, for each call anew.
 */
export async function startHttpGate(
  target: () => string | Promise<string>,
  watch: CallWatch,
): Promise<HttpGate> {
  const answering = new Set<ServerResponse>();
  let underWay = 0;
  const server = createServer((incoming, response) => {
    answering.add(response);
    response.on("close", () => answering.delete(response));
    pass(incoming, response).catch(() => {
      // No answer from the target: the caller sees what it would see without us.
      response.destroy();
    });
  });
  const pass = async (incoming: IncomingMessage, response: ServerResponse) => {
    const { method = "GET", url: path = "/" } = incoming;
    const body = await read(incoming);
    const call = { method, path, body: body.toString() };
    const go = await watch.before(call);
    if (!go || (go === "if awaited" && response.destroyed)) return response.destroy();
    const url = new URL(path, await target());
    underWay += 1;
    const answer = await send(url, incoming, body, response).finally(() => {
      underWay -= 1;
    });
    if (!(await watch.after(call))) return response.destroy();
    response.writeHead(answer.status, answer.headers);
    return response.end(answer.body);
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    abandon() {
      for (const response of answering) {
        abandoned.add(response);
        response.destroy();
      }
    },
    callers: () => answering.size,
    underWay: () => underWay,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Callers that were cut off on purpose: what they asked for goes on. */
const abandoned = new WeakSet<ServerResponse>();

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

async function send(
  url: URL,
  incoming: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<Answer> {
  // The Host header stays the gate's: an app makes the address that it registers of it.
  const { connection, "transfer-encoding": _, ...headers } = incoming.headers;
  const outgoing = httpRequest(url, {
    method: incoming.method,
    headers: { ...headers, "content-length": body.length },
    agent: false,
  });
  response.on("close", () => {
    if (!response.writableFinished && !abandoned.has(response)) outgoing.destroy();
  });
  outgoing.end(body);
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  const { connection: __, "transfer-encoding": ___, "keep-alive": ____, ...kept } = answer.headers;
  return { status: answer.statusCode ?? 0, headers: kept, body: await read(answer) };
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
