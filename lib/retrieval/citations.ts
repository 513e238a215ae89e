import type { FileChunk } from "../data/chunks.server.ts";

/** A quote with where it stands: all that is needed to check it later, also when its chunk is gone. */
export interface PinnedCitation {
  readonly chunkId: string;
  readonly fileId: string;
  readonly fileName: string;
  readonly fileSha256: string;
  readonly extractionVersion: number;
  readonly chunkSha256: string;
  /** In the chunk's content, in UTF-16 units: `content.slice(startOffset, endOffset) === quote`. */
  readonly startOffset: number;
  readonly endOffset: number;
  readonly pageStart: number | null;
  readonly pageEnd: number | null;
  readonly quote: string;
}

type CitedChunk = FileChunk & { readonly fileName: string };

/**
 * Pins a quote to the chunk that it is said to be from. Null when it does not stand there exactly so: then it proves
 * nothing, whoever said it.
 */
export function pin(chunk: CitedChunk, quote: string): PinnedCitation | null {
  const startOffset = quote === "" ? -1 : chunk.content.indexOf(quote);
  if (startOffset === -1) return null;
  const { id: chunkId, fileId, fileName, fileSha256, extractionVersion } = chunk;
  return {
    ...{ chunkId, fileId, fileName, fileSha256, extractionVersion },
    chunkSha256: chunk.contentSha256,
    startOffset,
    endOffset: startOffset + quote.length,
    pageStart: chunk.pageStart,
    pageEnd: chunk.pageEnd,
    quote,
  };
}

/** Where a citation is, for a reader: `manual.pdf, page 3`. */
export function placeOf(at: {
  fileName: string;
  pageStart: number | null;
  pageEnd: number | null;
}): string {
  const { fileName, pageStart, pageEnd } = at;
  if (pageStart === null) return fileName;
  const pages = pageStart === pageEnd ? `page ${pageStart}` : `pages ${pageStart}-${pageEnd}`;
  return `${fileName}, ${pages}`;
}
