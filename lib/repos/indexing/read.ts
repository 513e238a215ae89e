import type { CodeFile } from "../../data/code-files.server.ts";
import { readFiles } from "../../git/blobs.ts";
import { MAX_SOURCE_BYTES } from "../choose.ts";
import type { ChunkedFile } from "../chunk/source.ts";
import { chunkFiles, type Done, type Keyed } from "../chunk/threads.ts";

/** What is needed of a file to read it. */
export type ReadableFile = Pick<CodeFile, "path" | "blobSha" | "language">;

/**
 * Reads files through one process of git and chunks them on two threads, each as it is ready. Files are asked for as they are
 * needed, so memory holds some hundred of them and a few of their contents. Throws NotFound for a file that is not there.
 */
export function readAndChunk<F extends ReadableFile>(
  dir: string,
  files: AsyncIterable<F> | Iterable<F>,
): AsyncGenerator<Done<F>, void, undefined> {
  return chunkFiles(contents(dir, files));
}

async function* contents<F extends ReadableFile>(
  dir: string,
  files: AsyncIterable<F> | Iterable<F>,
): AsyncGenerator<Keyed<F>, void, undefined> {
  const named = async function* () {
    for await (const key of files) yield { key, sha: key.blobSha };
  };
  const limit = { maxBytes: MAX_SOURCE_BYTES };
  for await (const { file, bytes } of readFiles(dir, named(), limit)) {
    const { key } = file;
    // Its size was known, so it is never larger; were it, there would be nothing of it to index.
    yield {
      key,
      file: { path: key.path, language: key.language, bytes: bytes ?? new Uint8Array() },
    };
  }
}

/** How many vectors a file is about to have, and why none. */
export function countsOf(chunked: ChunkedFile): { chunkCount: number; skipped: string | null } {
  return { chunkCount: chunked.chunks?.length ?? 0, skipped: chunked.skipped ?? null };
}
