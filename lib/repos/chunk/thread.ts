import { parentPort, workerData } from "node:worker_threads";
import { chunkSource } from "./chunk.ts";
import { type ChunkedFile, release, type SourceFile } from "./source.ts";
import { treeSitter, useCompiled } from "./tree-sitter.ts";

/** What a thread begins with. */
export interface ThreadData {
  readonly parser: WebAssembly.Module;
}

/** What a thread is sent, and what it answers, in the same order. */
export type ThreadRequest = readonly SourceFile[];
export type ThreadReply = readonly ChunkedFile[];

parentPort?.on("message", async (files: ThreadRequest) => {
  const reply: ChunkedFile[] = [];
  for (const file of files) {
    reply.push(await chunkSource(file));
    release(file);
  }
  parentPort?.postMessage(reply satisfies ThreadReply);
});

// So that a thread which cannot be started, or not parse anything, is told from one that dies of a file.
useCompiled((workerData as ThreadData).parser);
await treeSitter();
parentPort?.postMessage("ready");
