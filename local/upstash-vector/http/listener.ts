import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, RequestListener } from "node:http";
import { VectorError } from "../errors.ts";
import type { VectorIndex } from "../index.ts";
import { deleteNamespace, info, listNamespaces, renameNamespace } from "./namespaces.ts";
import { fetchRecords, query, queryData, random, range } from "./reads.ts";
import { resumableRoutes } from "./resumable.ts";
import type { Route } from "./route.ts";
import { remove, reset, update, upsert, upsertData } from "./writes.ts";

const MAX_BODY = 64 * 1024 * 1024;
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"];

/** Answers the REST API of an index: `/<command>[/<namespace>]`, bearer token, JSON in and out. */
export function listener(index: VectorIndex, token: string): RequestListener {
  const routes = new Map<string, Route>(
    Object.entries({
      upsert,
      "upsert-data": upsertData,
      update,
      delete: remove,
      reset,
      query,
      "query-data": queryData,
      fetch: fetchRecords,
      range,
      random,
      info,
      "list-namespaces": listNamespaces,
      "delete-namespace": deleteNamespace,
      "rename-namespace": renameNamespace,
      ...resumableRoutes(),
    }),
  );

  async function answer(request: IncomingMessage): Promise<unknown> {
    authorize(request.headers.authorization, token);
    if (!METHODS.includes(request.method ?? "")) {
      throw new VectorError(405, `Method ${request.method} is not allowed`);
    }
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const [, command = "", ...rest] = url.pathname.split("/");
    const route = routes.get(command);
    if (!route) throw new VectorError(404, `Unknown command: ${command}`);
    const body = parse(await readBody(request));
    const namespace = decode(rest.join("/"));
    return await route({ index, namespace, body, search: url.searchParams });
  }

  return (request, response) => {
    const send = (status: number, body: unknown) => {
      const text = JSON.stringify(body);
      response.writeHead(status, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
        // The rest of a body that was refused is not read: the connection cannot be used again.
        ...(!request.complete && { connection: "close" }),
      });
      response.end(request.method === "HEAD" ? undefined : text);
    };
    answer(request).then(
      (result) => send(200, { result }),
      (error: unknown) => {
        if (error instanceof VectorError) {
          return send(error.status, { error: error.message, status: error.status });
        }
        console.error(`upstash-vector: ${request.method} ${request.url}`, error);
        return send(500, { error: "Internal server error", status: 500 });
      },
    );
  };
}

export function authorize(header: string | undefined, token: string): void {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  if (!timingSafeEqual(hash(header ?? ""), hash(`Bearer ${token}`))) {
    throw new VectorError(401, "Unauthorized: Invalid auth token");
  }
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new VectorError(413, `The body exceeds ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

export function parse(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new VectorError(400, `The body is not JSON: ${(error as Error).message}`);
  }
}

function decode(namespace: string): string {
  try {
    return decodeURIComponent(namespace);
  } catch {
    // A URIError says nothing but that it failed.
    throw new VectorError(400, "The namespace in the path is not well-formed");
  }
}
