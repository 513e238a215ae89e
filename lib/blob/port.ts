import type { Readable } from "node:stream";
import { InvalidInput } from "#lib/errors.ts";

/** Bytes in order; a Node Readable and a web ReadableStream are both one. */
export type Content = AsyncIterable<Uint8Array>;

/** What must hold of the content, else nothing is stored. */
export interface ContentLimits {
  /** Most bytes that are accepted; more is a FileRefused "too_large". Absent: no limit. */
  readonly maxBytes?: number;
  /** Lower-case hex; other content is a FileRefused "hash_mismatch". */
  readonly sha256?: string;
  /** Exact length in bytes; another length is a FileRefused "corrupt". */
  readonly size?: number;
}

/** A blob as stored. */
export interface StoredBlob {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex of the content. */
  readonly sha256: string;
}

/**
 * Where bytes live that are too large for a row. A key shows either nothing or one whole content: a `put` that fails,
 * is aborted or breaks its limits leaves the key as it was. Every key is checked by {@link checkKey}.
 */
export interface BlobStore {
  /** Stores `content` under `key` and replaces what was there; the same call again changes nothing. */
  put(key: string, content: Content, limits?: ContentLimits): Promise<StoredBlob>;
  /** The content as a stream. Throws NotFound before the first byte when the key is absent. */
  get(key: string): Promise<Readable>;
  /** Writes the content to `path`, which is replaced. Throws NotFound, and then leaves `path` alone. */
  getToFile(key: string, path: string): Promise<void>;
  /** Size in bytes, or null when the key is absent. */
  head(key: string): Promise<{ size: number } | null>;
  /** How many keys there are below `prefix` (a whole path, as for `deletePrefix`), and their bytes together. */
  usage(prefix: string): Promise<{ blobs: number; bytes: number }>;
  /**
   * The names directly below `prefix` that have keys below them, `limit` at most, each once in a round; `cursor` leads on from
   * there, and is null at the end. A page may have fewer, or none, and yet not be the last.
   */
  folders(
    prefix: string,
    page: { readonly limit: number; readonly cursor: string | null },
  ): Promise<{ names: string[]; cursor: string | null }>;
  /** Removes the key; an absent key is no error. */
  delete(key: string): Promise<void>;
  /** Removes every key below `prefix` (a whole path, without the final slash), so that `a` leaves `ab/c` alone. */
  deletePrefix(prefix: string): Promise<void>;
}

const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;

/**
 * Returns `key` when it is safe as a file path and as a URL path: segments of letters, digits, `.`, `_`, `-` that do
 * not start with `.`, at most 500 characters. Throws InvalidInput otherwise, so no key can leave the store.
 */
export function checkKey(key: string): string {
  if (key.length > 500 || !key.split("/").every((segment) => SEGMENT.test(segment))) {
    throw new InvalidInput(
      "blob_key_invalid",
      "Not a blob key: use segments of A-Z a-z 0-9 . _ -",
      {
        key: key.slice(0, 100),
      },
    );
  }
  return key;
}

/** Below this prefix lie all bytes that belong to one project. */
export function projectPrefix(projectId: string): string {
  return checkKey(`projects/${projectId}`);
}
