import type { FileChunk } from "../data/chunks.server.ts";

/** A quote from a document with where it stands: all that is needed to check it later, also when its chunk is gone. */
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

/** A quote from one version of an artifact; its offsets are in the version's content. */
export interface ArtifactCitation {
  readonly citedArtifactId: string;
  readonly artifactKind: string;
  readonly artifactKey: string;
  readonly artifactVersion: number;
  readonly artifactSha256: string;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly quote: string;
}

/** A quote from lines of a repository at one commit; its offsets are in the text of those lines, whose hash is kept. */
export interface CodeCitation {
  readonly repoId: string;
  readonly codePath: string;
  readonly commitSha: string;
  readonly lineStart: number;
  readonly lineEnd: number;
  readonly codeSha256: string;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly quote: string;
}

/** A quote with where it stands, in whichever kind of source. */
export type Pinned = PinnedCitation | ArtifactCitation | CodeCitation;

type CitedChunk = FileChunk & { readonly fileName: string };

/**
 * Pins a quote to the chunk that it is said to be from. Null when it does not stand there exactly so: then it proves
 * nothing, whoever said it.
 */
export function pin(chunk: CitedChunk, quote: string): PinnedCitation | null {
  const span = spanOf(chunk.content, quote);
  if (!span) return null;
  const { id: chunkId, fileId, fileName, fileSha256, extractionVersion } = chunk;
  return {
    ...{ chunkId, fileId, fileName, fileSha256, extractionVersion },
    chunkSha256: chunk.contentSha256,
    ...span,
    pageStart: chunk.pageStart,
    pageEnd: chunk.pageEnd,
    quote,
  };
}

/** Where a quote stands in a text from `from` on, in UTF-16 units of the whole text; null when it does not. */
export function spanOf(
  text: string,
  quote: string,
  from = 0,
): { startOffset: number; endOffset: number } | null {
  const startOffset = quote === "" ? -1 : text.indexOf(quote, from);
  return startOffset === -1 ? null : { startOffset, endOffset: startOffset + quote.length };
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
