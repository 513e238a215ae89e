import { parentPort } from "node:worker_threads";
import { loadModel } from "./model.ts";

/** What the pool sends: texts that are not empty. */
export interface EmbedRequest {
  readonly texts: readonly string[];
}

/** What it gets back: the vectors one after the other, or why there are none. */
export type EmbedReply = { readonly vectors: Float32Array } | { readonly error: string };

const model = await loadModel();

parentPort?.on("message", async ({ texts }: EmbedRequest) => {
  try {
    const vectors = Float32Array.from((await model.embed([...texts])).flat());
    parentPort?.postMessage({ vectors } satisfies EmbedReply, [vectors.buffer]);
  } catch (error) {
    parentPort?.postMessage({ error: String(error) } satisfies EmbedReply);
  }
});
