import { type Env, env } from "#lib/env.ts";
import { localBlobStore } from "./local.ts";
import type { BlobStore } from "./port.ts";
import { vercelBlobStore } from "./vercel.ts";

let current: { env: Env; store: BlobStore } | undefined;

/** The blob store of this environment: Vercel Blob where there is a token for it, else the directory BLOB_DIR. */
export function blobStore(): BlobStore {
  const now = env();
  if (current?.env !== now) current = { env: now, store: choose(now) };
  return current.store;
}

function choose({ BLOB_READ_WRITE_TOKEN, BLOB_DIR }: Env): BlobStore {
  if (BLOB_READ_WRITE_TOKEN) return vercelBlobStore(BLOB_READ_WRITE_TOKEN);
  if (BLOB_DIR) return localBlobStore(BLOB_DIR);
  throw new Error("No blob store is configured: set BLOB_READ_WRITE_TOKEN, or BLOB_DIR");
}
