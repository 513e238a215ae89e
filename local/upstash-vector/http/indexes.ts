import type { IncomingMessage, RequestListener } from "node:http";
import * as z from "zod";
import { VectorError } from "../errors.ts";
import type { Indexes } from "../indexes.ts";
import { authorize, parse, readBody } from "./listener.ts";

const newIndex = z.strictObject({
  token: z.string().min(16).max(200),
  type: z.enum(["DENSE", "SPARSE", "HYBRID"]),
});

/**
 * Sends requests for `/indexes/:id` to that index, answers those that make, list and remove indexes (`/_indexes`, with the
 * server's token), and leaves all others to `own`, the server's first index.
 */
export function indexRoutes(
  indexes: Indexes,
  token: string,
  own: RequestListener,
): RequestListener {
  async function administer(request: IncomingMessage, id: string): Promise<unknown> {
    authorize(request.headers.authorization, token);
    const { method } = request;
    if (method === "GET" && id === "") return indexes.ids();
    if (method === "DELETE") return { removed: await indexes.remove(id) };
    if (method !== "PUT") throw new VectorError(405, `Method ${method} is not allowed`);
    const wanted = newIndex.safeParse(parse(await readBody(request)));
    if (!wanted.success) throw new VectorError(422, z.prettifyError(wanted.error));
    const refusal = indexes.create(id, wanted.data);
    if (refusal !== null) throw new VectorError(422, refusal);
    return "Success";
  }

  return (request, response) => {
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    const fail = (error: unknown) => {
      const status = error instanceof VectorError ? error.status : 500;
      if (status === 500) console.error(`upstash-vector: ${request.method} ${request.url}`, error);
      const said = error instanceof VectorError ? error.message : "Internal server error";
      send(status, { error: said, status });
    };
    const [, kind, id = "", rest = ""] =
      /^\/(indexes|_indexes)(?:\/([^/?]*))?(.*)$/.exec(request.url ?? "") ?? [];
    if (kind === undefined) return own(request, response);
    if (kind === "_indexes") {
      administer(request, id).then((result) => send(200, { result }), fail);
      return;
    }
    try {
      const answer = indexes.at(id);
      // The same as for a token that is not right: whether there is an index is nobody's business without one.
      if (!answer) throw new VectorError(401, "Unauthorized: Invalid auth token");
      request.url = rest === "" ? "/" : rest;
      answer(request, response);
    } catch (error) {
      fail(error);
    }
  };
}
