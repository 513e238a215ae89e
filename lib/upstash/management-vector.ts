import { Index } from "@upstash/vector";
import * as z from "zod";
import { unreachable } from "./errors.ts";
import {
  idOf,
  orNull,
  type UpstashCredentials,
  type UpstashResource,
  upstash,
} from "./management.ts";

const index = z.object({ id: z.string(), name: z.string(), region: z.string() });
const credentials = z.object({ endpoint: z.string().min(1), token: z.string().min(1) });

/**
 * What a target app gets: hybrid, so that both the meaning and the very words of a query count; BGE-M3 reads a hundred languages
 * and 8,192 tokens, where the other models read English and 512; BM25 is what weighs words. All of it is fixed for the life of
 * an index, so an app that is told nothing gets what serves most.
 */
const KIND = {
  index_type: "HYBRID",
  embedding_model: "BGE_M3",
  sparse_embedding_model: "BM25",
  similarity_function: "COSINE",
  dimension_count: 1024,
};

/** An index by its id, null when it is not there. */
export async function readVectorIndex(
  id: string,
  signal: AbortSignal,
): Promise<UpstashResource | null> {
  return await orNull(async () => {
    const path = `/vector/index/${idOf(id)}`;
    return await upstash(`read the index ${id}`, { method: "GET", path, signal }, index);
  });
}

/** The index of exactly this name, the one with the lowest id should there be several; null when there is none. */
export async function findVectorIndex(
  name: string,
  signal: AbortSignal,
): Promise<UpstashResource | null> {
  const call = { method: "GET", path: "/vector/index", signal } as const;
  const all = await upstash(`look for the index ${name}`, call, z.array(index));
  const [first] = all.filter((one) => one.name === name).sort((a, b) => (a.id < b.id ? -1 : 1));
  return first ?? null;
}

/** Makes an index that embeds text by itself, for meaning and for words. */
export async function createVectorIndex(
  { name, region }: { name: string; region: string },
  signal: AbortSignal,
): Promise<UpstashResource> {
  const body = { name, region, ...KIND };
  const call = { method: "POST", path: "/vector/index", body, signal } as const;
  return await upstash(`create the index ${name}`, call, index);
}

/** Deletes an index with what is in it. One that is not there any more is fine. */
export async function deleteVectorIndex(id: string, signal: AbortSignal): Promise<void> {
  await orNull(async () => {
    const path = `/vector/index/${idOf(id)}`;
    await upstash(`delete the index ${id}`, { method: "DELETE", path, signal }, z.unknown());
  });
}

/** Where an index is, and what opens it. Throws NotFound when it is not there. */
export async function vectorCredentials(
  id: string,
  signal: AbortSignal,
): Promise<UpstashCredentials> {
  const path = `/vector/index/${idOf(id)}`;
  const what = `give the credentials of the index ${id}`;
  const { endpoint, token } = await upstash(what, { method: "GET", path, signal }, credentials);
  // Only the local one says a whole URL; Upstash itself says the first part of a host's name.
  const host = endpoint.includes(".") ? endpoint : `${endpoint}-vector.upstash.io`;
  return { url: URL.canParse(endpoint) ? endpoint : `https://${host}`, token };
}

/** Asks an index what it is, as an app would. Throws when it does not say so. */
export async function testVectorIndex(
  id: string,
  signal: AbortSignal,
): Promise<{ dimension: number; vectorCount: number }> {
  const { url, token } = await vectorCredentials(id, signal);
  const client = new Index({ url, token, retry: false, enableTelemetry: false, signal });
  try {
    const { dimension, vectorCount } = await client.info();
    return { dimension, vectorCount };
  } catch (error) {
    throw unreachable(`answer at the index ${id}`, error, [token]);
  }
}
