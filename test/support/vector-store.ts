import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setEnv } from "./environment.ts";

/** A vector store that is there or not as a test says, and finds what it is told to. */
export interface VectorStore {
  /** What it answers every request with. */
  status: number;
  /** Of which texts, one a row of `fileChunks`, it finds all for any query; best first. */
  chunks: { readonly projectId: string; readonly chunkId: string }[];
  close(): Promise<void>;
}

/** Starts one, which the environment of this process names from then on. */
export async function startVectorStore(): Promise<VectorStore> {
  const server = createServer((request, response) => {
    request.resume();
    const { status, chunks } = store;
    const found = request.url?.endsWith("chunks") ? chunks : [];
    const result = found.map(({ projectId, chunkId }, at) => {
      return { id: chunkId, score: 1 - at / 100, metadata: { type: "chunk", projectId, chunkId } };
    });
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(status === 200 ? { result } : { error: "down", status }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await setEnv({
    UPSTASH_VECTOR_REST_URL: `http://127.0.0.1:${port}`,
    UPSTASH_VECTOR_REST_TOKEN: "token",
  });
  const store: VectorStore = {
    status: 200,
    chunks: [],
    async close() {
      await setEnv({ UPSTASH_VECTOR_REST_URL: undefined, UPSTASH_VECTOR_REST_TOKEN: undefined });
      server.closeAllConnections();
      server.close();
    },
  };
  return store;
}
