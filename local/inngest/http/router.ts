import type { IncomingMessage, ServerResponse } from "node:http";
import { CountersignError, errorMessage } from "#lib/errors.ts";
import { isLocal } from "../function-config.ts";
import { parseJson } from "../json.ts";
import { limits } from "../limits.ts";

export interface Request {
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly header: (name: string) => string | undefined;
  /** The body as it comes. @throws HttpError 413 where it has more than `maxBytes`. */
  readonly body: (maxBytes: number) => AsyncIterable<Buffer>;
  /** Reads the body as JSON. @throws HttpError 400 or 413. */
  readonly json: () => Promise<unknown>;
}

/** `json` and `html` exclude each other; neither is an empty body. */
export interface Response {
  readonly status?: number;
  readonly json?: unknown;
  readonly html?: string;
  readonly location?: string;
}

/** A page has no scripts, loads nothing, posts only to us and stands in no frame. */
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

/** A request that is answered with `status` and this message. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export type Handler = (request: Request) => Response | Promise<Response>;

interface Route {
  readonly method: string;
  readonly parts: readonly string[];
  readonly handler: Handler;
}

/** Routes such as `GET /v1/runs/:id`; whatever has none is answered 501 with its name. */
export class Router {
  readonly #routes: Route[] = [];
  readonly #settled: () => Promise<void>;

  /** @param settled resolves when what the handlers did until now is durable: nothing is answered before. */
  constructor(settled: () => Promise<void>) {
    this.#settled = settled;
  }

  on(route: string, handler: Handler): this {
    const [method = "", path = ""] = route.split(" ");
    this.#routes.push({ method, parts: path.split("/"), handler });
    return this;
  }

  /** Answers a request; an error becomes `{error, status}`. Never rejects. */
  async handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const method = incoming.method ?? "GET";
    const path = (incoming.url ?? "/").split("?")[0] ?? "/";
    let response = await this.#answer(incoming, method, path);
    try {
      await this.#settled();
    } catch (error) {
      response = toResponse(error);
    }
    if (!incoming.complete) {
      // The rest of a refused body is not worth reading.
      outgoing.setHeader("connection", "close");
    }
    const { status = 200, json, html = "", location } = response;
    const type = json === undefined ? PAGE_HEADERS : { "content-type": "application/json" };
    outgoing.writeHead(status, {
      ...type,
      ...(location === undefined ? {} : { location }),
      "x-inngest-server-kind": "dev",
    });
    outgoing.end(json === undefined ? html : JSON.stringify(json));
  }

  async #answer(incoming: IncomingMessage, method: string, path: string): Promise<Response> {
    try {
      refuseForeign(incoming);
      return await this.#find(method, path)(incoming);
    } catch (error) {
      return toResponse(error);
    }
  }

  #find(method: string, path: string): (incoming: IncomingMessage) => Response | Promise<Response> {
    const parts = path.split("/");
    for (const route of this.#routes) {
      const params = route.method === method ? match(route.parts, parts) : undefined;
      if (params) return (incoming) => route.handler(toRequest(incoming, method, params));
    }
    throw new HttpError(501, `${method} ${path} is not part of the local engine yet`);
  }
}

/**
 * A web page somewhere must not reach the engine through the browser of the person at the laptop: neither by posting
 * to it (it would send an Origin) nor by a name that it lets point to 127.0.0.1 (it would be the Host).
 */
function refuseForeign({ headers }: IncomingMessage): void {
  if (!isLocal(`http://${headers.host ?? ""}`)) {
    throw new HttpError(403, "this engine answers to 127.0.0.1 and localhost only");
  }
  if (headers.origin !== undefined && !isLocal(headers.origin)) {
    throw new HttpError(403, `pages of ${headers.origin} may not use this engine`);
  }
}

function match(
  route: readonly string[],
  parts: readonly string[],
): Record<string, string> | undefined {
  if (route.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, part] of route.entries()) {
    const given = parts[i] ?? "";
    if (!part.startsWith(":")) {
      if (part !== given) return undefined;
    } else {
      try {
        params[part.slice(1)] = decodeURIComponent(given);
      } catch {
        throw new HttpError(400, "the path is not percent-encoded correctly");
      }
    }
  }
  return params;
}

function toRequest(
  incoming: IncomingMessage,
  method: string,
  params: Record<string, string>,
): Request {
  return {
    method,
    params,
    query: new URLSearchParams((incoming.url ?? "").split("?")[1]),
    header: (name) => {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    body: (maxBytes) => readBody(incoming, maxBytes),
    json: () => readJson(incoming),
  };
}

async function* readBody(incoming: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  const tooLarge = () => new HttpError(413, `this request has at most ${maxBytes} bytes`);
  if (Number(incoming.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    yield chunk;
  }
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of readBody(incoming, limits.requestBytes)) chunks.push(chunk);
  try {
    return parseJson(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new HttpError(400, `the body is not JSON: ${errorMessage(error)}`);
  }
}

function toResponse(error: unknown): Response {
  const status =
    error instanceof HttpError ? error.status : error instanceof CountersignError ? 400 : 500;
  return { status, json: { error: errorMessage(error), status } };
}
