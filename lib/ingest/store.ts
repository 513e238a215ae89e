import { insertChunks } from "../data/chunks.server.ts";
import { findFile } from "../data/files.server.ts";
import { EXTRACTION_VERSION } from "./document.ts";
import { extractedDocument } from "./extracted.ts";

/** Rows of one INSERT: a few hundred KB of text, far below what one statement may carry. */
const ROWS_PER_INSERT = 250;

/**
 * Cuts the extracted text into chunks and writes them as rows. Their ids are hashes of their content, so a repeat, also
 * one that runs at the same time, writes nothing new. A file that was removed meanwhile has no chunks.
 */
export async function storeChunks(fileId: string): Promise<{ chunks: number; written: number }> {
  const file = await findFile({ fileId });
  if (!file?.sha256) return { chunks: 0, written: 0 };
  const identity = { fileId, fileSha256: file.sha256, extractionVersion: EXTRACTION_VERSION };
  // The token vocabulary takes memory: loaded here and not with the function, which has to start fast.
  const { chunkDocument } = await import("./chunk/chunk.ts");
  const chunks = [...chunkDocument(await extractedDocument(file), identity)];
  let written = 0;
  for (let at = 0; at < chunks.length; at += ROWS_PER_INSERT) {
    const { inserted } = await insertChunks({
      ...identity,
      projectId: file.projectId,
      chunks: chunks.slice(at, at + ROWS_PER_INSERT),
    });
    written += inserted;
  }
  return { chunks: chunks.length, written };
}
