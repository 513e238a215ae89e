import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { within } from "#lib/deadline.ts";
import { NotFound, Unavailable } from "#lib/errors.ts";
import { type BlobStore, checkKey } from "./port.ts";
import { type Spooled, spool } from "./spool.ts";

/** One request each: bounds memory, and a part that fails is sent again from the spool. Vercel's minimum is 5 MB. */
const PART_BYTES = 8 * 1024 * 1024;
/** The SDK retries with backoff for a quarter of an hour; a step's own retry is the better place to wait. */
const REQUEST_MS = 60_000;

const load = () => import("@vercel/blob");

/**
 * Blobs in a private Vercel Blob store. Content is spooled to the temporary directory first, so its
 * limits are checked before Vercel sees a byte, and every request can be repeated. Overwriting is allowed because a
 * repeated `put` after a lost answer must succeed.
 * Reads pass by Vercel's cache, which would otherwise serve a replaced or deleted blob for up to a month.
 */
export function vercelBlobStore(
  token: string,
  spoolDir: string = join(tmpdir(), "countersign-blobs"),
): BlobStore {
  const options = { access: "private", token } as const;
  const writing = { ...options, allowOverwrite: true, contentType: "application/octet-stream" };

  async function upload(key: string, { path, size }: Spooled): Promise<void> {
    const { put, createMultipartUploader } = await load();
    if (size <= PART_BYTES) {
      const body = await buffer(createReadStream(path));
      await request(key, (abortSignal) => put(key, body, { ...writing, abortSignal }));
      return;
    }
    const uploader = await request(key, () => createMultipartUploader(key, writing));
    const parts: { etag: string; partNumber: number }[] = [];
    for (let start = 0; start < size; start += PART_BYTES) {
      const body = await buffer(createReadStream(path, { start, end: start + PART_BYTES - 1 }));
      parts.push(await request(key, () => uploader.uploadPart(parts.length + 1, body)));
    }
    await request(key, () => uploader.complete(parts));
  }

  async function get(key: string): Promise<Readable> {
    const sdk = await load();
    const found = await request(checkKey(key), () => sdk.get(key, { ...options, useCache: false }));
    if (!found?.stream) throw new NotFound("blob_not_found", "No such blob", { key });
    // undici and node:stream/web declare the same class twice.
    return Readable.fromWeb(found.stream as unknown as ReadableStream<Uint8Array>);
  }

  async function* below(prefix: string) {
    const { list } = await load();
    checkKey(prefix);
    for (let cursor: string | undefined, more = true; more; ) {
      const page = await request(prefix, (abortSignal) =>
        list({ token, prefix: `${prefix}/`, limit: 1000, cursor, abortSignal }),
      );
      yield* page.blobs;
      cursor = page.cursor;
      more = page.hasMore;
    }
  }

  return {
    async put(key, content, limits) {
      checkKey(key);
      const spooled = await spool(spoolDir, content, limits);
      try {
        await upload(key, spooled);
        return { key, size: spooled.size, sha256: spooled.sha256 };
      } finally {
        await rm(spooled.path, { force: true });
      }
    },

    get,

    async getToFile(key, path) {
      await pipeline(await get(key), createWriteStream(path));
    },

    async head(key) {
      const { head, BlobNotFoundError } = await load();
      return await request(checkKey(key), (abortSignal) =>
        head(key, { token, abortSignal }).then(
          ({ size }) => ({ size }),
          (error) => {
            if (error instanceof BlobNotFoundError) return null;
            throw error;
          },
        ),
      );
    },

    async delete(key) {
      const { del } = await load();
      await request(checkKey(key), (abortSignal) => del(key, { token, abortSignal }));
    },

    async usage(prefix) {
      const usage = { blobs: 0, bytes: 0 };
      for await (const { size } of below(prefix)) {
        usage.blobs += 1;
        usage.bytes += size;
      }
      return usage;
    },

    async folders(prefix, { limit, cursor }) {
      const { list } = await load();
      const below = `${checkKey(prefix)}/`;
      const page = await request(prefix, (abortSignal) =>
        list({
          ...{ token, prefix: below, mode: "folded", limit, abortSignal },
          ...(cursor !== null && { cursor }),
        }),
      );
      const names = page.folders.map((path) => path.slice(below.length).replace(/\/$/, ""));
      return { names, cursor: page.hasMore ? (page.cursor ?? null) : null };
    },

    async deletePrefix(prefix) {
      const { del } = await load();
      // Listed to the end before the first is deleted: what a cursor means while blobs vanish is not documented.
      const keys: string[] = [];
      for await (const { pathname } of below(prefix)) keys.push(pathname);
      while (keys.length > 0) {
        const batch = keys.splice(0, 500);
        await request(prefix, (abortSignal) => del(batch, { token, abortSignal }));
      }
    },
  };
}

/** Runs one SDK call within its time; whatever it throws becomes Unavailable, with the SDK's error as the cause. */
async function request<T>(key: string, call: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    return await within(REQUEST_MS, call);
  } catch (cause) {
    throw new Unavailable("blob_unavailable", "The blob store did not do it", { key }, cause);
  }
}
