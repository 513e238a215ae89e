import { json } from "node:stream/consumers";
import { blobStore } from "./blob.ts";

/** Stores a JSON value under `key`; the same again changes nothing. */
export async function putJson(key: string, value: unknown): Promise<void> {
  async function* content() {
    yield Buffer.from(JSON.stringify(value));
  }
  await blobStore().put(key, content());
}

/** The JSON value under `key`, which the caller knows the shape of: it is ours. Throws NotFound. */
export async function getJson(key: string): Promise<unknown> {
  return await json(await blobStore().get(key));
}
