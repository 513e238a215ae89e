import { blobStore } from "../blob/blob.ts";
import { countChunks } from "../data/chunks.server.ts";
import { markIngested } from "../data/file-progress.server.ts";
import { findFile } from "../data/files.server.ts";
import { deleteFileVectors } from "../upstash/vector.ts";
import { EXTRACTION_VERSION } from "./document.ts";
import { extractedDocument } from "./extracted.ts";
import { filePrefix } from "./keys.ts";

interface FileOfProject {
  readonly projectId: string;
  readonly fileId: string;
}

/** How ingestion ended; the fields are those of `file.ingested`. */
export type Finished =
  | {
      outcome: "ingested";
      sha256: string;
      pages: number | null;
      chunks: number;
      ingestedAt: string;
    }
  | { outcome: "removed" | "superseded" };

/**
 * Declares the file searchable, unless a newer extraction version has done so. When it was removed while it was ingested, what this run wrote after the removal goes too:
 * this is the last step, so nothing is written later.
 */
export async function finish({ projectId, fileId }: FileOfProject): Promise<Finished> {
  if (!(await findFile({ fileId }))) return await removed({ projectId, fileId });
  const { format, title, pageCount } = await extractedDocument({ id: fileId, projectId });
  const file = await markIngested({
    fileId,
    extractionVersion: EXTRACTION_VERSION,
    format,
    title,
    pageCount,
    chunkCount: await countChunks({ fileId, extractionVersion: EXTRACTION_VERSION }),
  });
  if (!file?.sha256 || file.ingestedAt === null || file.chunkCount === null) {
    const newer = await findFile({ fileId });
    return newer ? { outcome: "superseded" } : await removed({ projectId, fileId });
  }
  return {
    outcome: "ingested",
    sha256: file.sha256,
    pages: file.pageCount,
    chunks: file.chunkCount,
    ingestedAt: file.ingestedAt.toISOString(),
  };
}

async function removed(file: FileOfProject): Promise<Finished> {
  await purgeFile(file);
  return { outcome: "removed" };
}

/** Removes what lies outside the database of a file whose row is gone: bytes and vectors. Can be repeated. */
export async function purgeFile({ projectId, fileId }: FileOfProject): Promise<void> {
  await blobStore().deletePrefix(filePrefix(projectId, fileId));
  await deleteFileVectors(projectId, fileId);
}
