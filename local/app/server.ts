import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { loadApi } from "#lib/serve/api.ts";
import { listen } from "#lib/serve/server.ts";
import type { LocalPart } from "../part.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SAMPLES = join(ROOT, "samples");

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
  const fetch = options.bundle ? await loadApi(options.bundle, ".js") : await loadApi(ROOT, ".ts");
  const server = await listen(
    (request) => {
      const { pathname } = new URL(request.url);
      return pathname.startsWith("/samples/") ? sample(pathname) : fetch(request);
    },
    { port: options.port ?? 0, host: "127.0.0.1" },
  );
  return {
    name: "app",
    url: server.url,
    env: {},
    // At once: whoever ends the local cloud does not wait for its requests.
    close: async () => void (await server.stop(0)),
  };
}
