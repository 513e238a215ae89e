import { parentPort, workerData } from "node:worker_threads";
import { chunkSource } from "./chunk.ts";
import { treeSitter } from "./grammars.ts";
import type { ChunkedFile, SourceFile } from "./source.ts";

/** What a thread begins with. */
export interface ThreadData {
  readonly parser: WebAssembly.Module;
}

/** What a thread is sent, and what it answers, in the same order. */
export type ThreadRequest = readonly SourceFile[];
export type ThreadReply = readonly ChunkedFile[];

parentPort?.on("message", async (files: ThreadRequest) => {
  const reply: ChunkedFile[] = [];
  for (const file of files) reply.push(await chunkSource(file));
  parentPort?.postMessage(reply satisfies ThreadReply);
});

// So that a thread which cannot be started, or not parse anything, is told from one that dies of a file.
await treeSitter((workerData as ThreadData).parser);
parentPort?.postMessage("ready");
