import { randomUUID } from "node:crypto";
import { buffer } from "node:stream/consumers";
import * as z from "zod";
import { blobStore } from "../../blob/blob.ts";
import { askJson, below } from "../ask.ts";
import { type Check, CheckFailed, ok } from "../check.ts";

const model = z.looseObject({ embeddingModel: z.string().nullish() }).nullish();
const vectorInfo = z.looseObject({
  result: z.looseObject({
    indexType: z.string().optional(),
    dimension: z.int(),
    denseIndex: model,
    sparseIndex: model,
  }),
});

const NEW_INDEX =
  "Make an index that is hybrid, with a dense and a sparse embedding model of Upstash.";

export const vectors: Check = {
  name: "Upstash Vector",
  remedy: "Check UPSTASH_VECTOR_REST_URL against the console.",
  async run({ UPSTASH_VECTOR_REST_URL: url, UPSTASH_VECTOR_REST_TOKEN: token }, signal) {
    if (url === undefined || token === undefined) {
      const name = url === undefined ? "UPSTASH_VECTOR_REST_URL" : "UPSTASH_VECTOR_REST_TOKEN";
      throw new CheckFailed(`${name} is not set.`, `Set both, from the index's page. ${NEW_INDEX}`);
    }
    const { body } = await askJson({
      whom: "Upstash Vector",
      url: below(url, "info"),
      headers: { authorization: `Bearer ${token}` },
      signal,
      refused: "Copy UPSTASH_VECTOR_REST_TOKEN again: the one that may write.",
    });
    const { success, data } = vectorInfo.safeParse(body);
    if (!success) throw new CheckFailed("What answers is not an Upstash Vector index.");
    const { indexType = "DENSE", dimension, denseIndex, sparseIndex } = data.result;
    if (indexType !== "HYBRID") {
      throw new CheckFailed(`The index is ${indexType.toLowerCase()}, not hybrid.`, NEW_INDEX);
    }
    const [dense, sparse] = [denseIndex?.embeddingModel, sparseIndex?.embeddingModel];
    if (!dense || !sparse) {
      throw new CheckFailed("The index does not embed text by itself.", NEW_INDEX);
    }
    return ok(`hybrid, ${dense} with ${dimension} dimensions and ${sparse}`);
  },
};

export const blobs: Check = {
  name: "blobs",
  remedy:
    "See that BLOB_DIR can be written, or copy BLOB_READ_WRITE_TOKEN of a private store again.",
  async run({ BLOB_DIR, BLOB_READ_WRITE_TOKEN, VERCEL_ENV }) {
    if (BLOB_DIR === undefined && BLOB_READ_WRITE_TOKEN === undefined) {
      const remedy = "Connect a private Vercel Blob store, or name a directory in BLOB_DIR.";
      throw new CheckFailed("Neither BLOB_READ_WRITE_TOKEN nor BLOB_DIR is set.", remedy);
    }
    if (BLOB_DIR !== undefined && (VERCEL_ENV === "production" || VERCEL_ENV === "preview")) {
      const remedy = "Remove BLOB_DIR and connect a private Vercel Blob store.";
      throw new CheckFailed("BLOB_DIR is set on Vercel, where no directory is kept.", remedy);
    }
    const store = blobStore();
    const key = `doctor/${randomUUID()}`;
    const probe = Buffer.from(key);
    try {
      await store.put(key, once(probe));
      const read = await buffer(await store.get(key));
      if (!read.equals(probe)) throw new CheckFailed("What was read is not what was written.");
    } finally {
      await store.delete(key);
    }
    return ok(
      `${BLOB_DIR === undefined ? "Vercel Blob" : "BLOB_DIR"}: wrote, read and removed a probe`,
    );
  },
};

async function* once(bytes: Uint8Array) {
  yield bytes;
}
