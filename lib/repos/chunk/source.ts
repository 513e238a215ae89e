/** A file of a repository as it is read. */
export interface SourceFile {
  readonly path: string;
  readonly language: string;
  readonly bytes: Uint8Array;
}

/**
 * Gives the memory of a file that was read back at once: hundreds of MB come by in small pieces, and the next collection of
 * garbage may be far.
 */
export function release({ bytes: { buffer, byteLength } }: SourceFile): void {
  // A part of a larger buffer is not alone in it.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/** Lines of a file that are searched and cited together. */
export interface CodeChunk {
  /** From 1, first and last. */
  readonly lineStart: number;
  readonly lineEnd: number;
  /** What is embedded: the path, a blank line, the lines without blanks around them and without secrets. */
  readonly text: string;
  /** SHA-256 of the lines as they are in the file. */
  readonly sha256: string;
}

/** Why a file's content is not indexed. */
export type SkipReason =
  | "empty"
  | "lfs_pointer"
  | "binary"
  | "invalid_utf8"
  | "generated"
  | "secret"
  | "too_complex";

export type ChunkedFile =
  | { readonly skipped: SkipReason; readonly chunks?: undefined }
  | { readonly skipped?: undefined; readonly chunks: readonly CodeChunk[] };
