import { once } from "node:events";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createAdaptorServer } from "@hono/node-server";
import type { LocalPart } from "../part.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SAMPLES = join(ROOT, "samples");

type Fetch = (request: Request) => Response | Promise<Response>;

/** What `api/` exports, from source or from the bundle. */
interface Api {
  readonly index: { readonly default: { readonly fetch: Fetch } };
  readonly inngest: Readonly<Record<"GET" | "POST" | "PUT", Fetch>>;
}

async function load(root: string, ending: string): Promise<Api> {
  const at = (file: string) => pathToFileURL(`${root}/api/${file}${ending}`).href;
  const [index, inngest] = await Promise.all([import(at("index")), import(at("inngest"))]);
  return { index, inngest };
}

/** A sample document, so that a `file.uploaded` with a link can be tried on a laptop. */
async function sample(pathname: string): Promise<Response> {
  const name = decodeURIComponent(pathname.slice("/samples/".length));
  const known = await readdir(SAMPLES);
  if (!known.includes(name)) return new Response("no such sample\n", { status: 404 });
  return new Response(Readable.toWeb(createReadStream(join(SAMPLES, name))) as ReadableStream);
}

export interface AppOptions {
  readonly port?: number;
  /** Directory of the bundle that `npm run build` made; absent: the sources. */
  readonly bundle?: string;
}

/** Serves what Vercel would serve, with the same two entry points. Configuration comes from the environment. */
export async function startApp(options: AppOptions = {}): Promise<LocalPart> {
  const api = options.bundle ? await load(options.bundle, ".js") : await load(ROOT, ".ts");
  const server = createAdaptorServer({
    fetch: (request: Request) => {
      const { pathname } = new URL(request.url);
      if (pathname.startsWith("/samples/")) return sample(pathname);
      if (pathname !== "/api/inngest") return api.index.default.fetch(request);
      const method = request.method as "GET" | "POST" | "PUT";
      return api.inngest[method]?.(request) ?? new Response(null, { status: 405 });
    },
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    name: "app",
    url,
    env: {},
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed;
    },
  };
}
