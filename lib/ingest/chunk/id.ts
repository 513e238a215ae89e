import { hash } from "node:crypto";

/** What a document is, apart from its content: the same bytes in another file row, or read by another extractor, differ. */
export interface DocumentIdentity {
  /** Not the project: a file that was removed and uploaded again must share no chunk or vector with its predecessor. */
  readonly fileId: string;
  readonly fileSha256: string;
  readonly extractionVersion: number;
}

/** SHA-256 of a chunk's content as 64 hex digits: what a citation pins. */
export function contentHash(content: string): string {
  return hash("sha256", content, "hex");
}

/**
 * Gives the ids of one document's chunks, in order: `chunk_` and 32 hex digits. The occurrence number of equal content
 * is part of an id, so that a repeated passage is two chunks, and re-ingestion gives the same ids in the same order.
 */
export function chunkIds(identity: DocumentIdentity): (content: string) => string {
  const { fileId, fileSha256, extractionVersion } = identity;
  const occurrences = new Map<string, number>();
  return (content) => {
    const hashed = contentHash(content);
    const occurrence = occurrences.get(hashed) ?? 0;
    occurrences.set(hashed, occurrence + 1);
    const key = JSON.stringify([fileId, fileSha256, extractionVersion, hashed, occurrence]);
    return `chunk_${hash("sha256", key, "hex").slice(0, 32)}`;
  };
}
