import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { KEEP_ALIVE_MS, type LocalPart, type PartOptions } from "../part.ts";
import type { Embedder } from "./embed/embedder.ts";
import { universalSentenceEncoder } from "./embed/universal-sentence-encoder.ts";
import { indexRoutes } from "./http/indexes.ts";
import { listener } from "./http/listener.ts";
import { VectorIndex } from "./index.ts";
import { Indexes } from "./indexes.ts";
import type { IndexType } from "./types.ts";

export interface UpstashVectorOptions extends PartOptions {
  /** Makes vectors of `data`; default: Universal Sentence Encoder lite in up to two threads. Closed with the part. */
  readonly embedder?: Embedder;
  /** Default HYBRID. Like the embedder's model and dimension it is fixed when the directory is first used. */
  readonly indexType?: IndexType;
  /** Most bytes of vectors kept in memory for searching; default 512 MB (about 200,000 vectors). */
  readonly memory?: number;
}

/**
 * Starts the local Upstash Vector. Point `@upstash/vector` at it with the two variables in `env`.
 * The model is loaded with the first text, so that starting takes milliseconds.
 */
export async function startUpstashVector(options: UpstashVectorOptions): Promise<LocalPart> {
  const { dir, port = 0, indexType = "HYBRID", memory = 512 * 1024 * 1024 } = options;
  await mkdir(dir, { recursive: true });
  const token = await keptToken(join(dir, "token"));
  const embedder = options.embedder ?? universalSentenceEncoder();
  const index = new VectorIndex({ dir, type: indexType, embedder, memory });
  const indexes = new Indexes(join(dir, "indexes"), embedder);
  const server = createServer(indexRoutes(indexes, token, listener(index, token)));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  }).catch(async (error: unknown) => {
    await index.close();
    throw error;
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let closing: Promise<void> | undefined;
  return {
    name: "upstash-vector",
    url,
    env: { UPSTASH_VECTOR_REST_URL: url, UPSTASH_VECTOR_REST_TOKEN: token },
    close() {
      closing ??= (async () => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeIdleConnections();
        // Those that answer now are idle then, and nobody would close them.
        server.keepAliveTimeout = 1;
        // What waits for the model fails now; what is being stored is finished before the database goes.
        await Promise.all([index.stopEmbedding(), indexes.stopEmbedding()]);
        await closed;
        await Promise.all([index.close(), indexes.close()]);
      })();
      return closing;
    },
  };
}

/** The token in `file`, made when there is none; only this user can read it. */
async function keptToken(file: string): Promise<string> {
  const token = randomBytes(32).toString("base64url");
  try {
    await writeFile(file, token, { mode: 0o600, flag: "wx" });
    return token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return (await readFile(file, "utf8")).trim();
  }
}
