import { env } from "#lib/env.ts";
import { InvalidInput } from "#lib/errors.ts";
import { localBlobStore } from "./local.ts";
import type { BlobStore } from "./port.ts";
import { vercelBlobStore } from "./vercel.ts";

let current: { where: string; store: BlobStore } | undefined;

/**
 * The blob store of this environment: the directory BLOB_DIR, else Vercel Blob with its token.
 * Throws InvalidInput when neither is configured.
 */
export function blobStore(): BlobStore {
  const { BLOB_DIR, BLOB_READ_WRITE_TOKEN } = env();
  const where = BLOB_DIR ?? BLOB_READ_WRITE_TOKEN;
  if (where === undefined) {
    throw new InvalidInput(
      "environment",
      "Set BLOB_DIR or BLOB_READ_WRITE_TOKEN: blobs need a place",
    );
  }
  if (current?.where !== where) {
    current = { where, store: BLOB_DIR ? localBlobStore(where) : vercelBlobStore(where) };
  }
  return current.store;
}
