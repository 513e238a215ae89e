import * as z from "zod";
import { blobStore } from "../blob/blob.ts";
import { getJson, putJson } from "../blob/json.ts";
import { NotFound } from "../errors.ts";
import { CHECKPOINTS } from "./checkpoints.ts";

/** Where the last round has come to; no project's, so beside what is kept of projects. */
const ROUND = "audit-round.json";
const roundSchema = z.object({ cursor: z.string().nullable() });

/** A page of the store may name nothing; after so many the next time goes on. */
const MAX_PAGES = 10;

/**
 * The next projects that have checkpoints, `limit` at most, as the blob store lists them and not the database: who cuts a chain back,
 * or removes all of it, does not thereby take its project out of the round. Each comes up once before the first comes
 * again. Whoever dies with these has them again in the next round. Throws Unavailable where the store cannot be asked.
 */
export async function nextCheckpointed({ limit }: { limit: number }): Promise<string[]> {
  const found = new Set<string>();
  let cursor = await readRound();
  for (let page = 0; page < MAX_PAGES && found.size < limit; page++) {
    const next = await listed(limit - found.size, cursor);
    for (const name of next.names) found.add(name);
    cursor = next.cursor;
    if (cursor === null) break;
  }
  await putJson(ROUND, { cursor });
  return [...found];
}

/** Begins anew where the store takes the cursor no more: how long it does is not said. A store that is away fails both. */
async function listed(limit: number, cursor: string | null) {
  const from = (start: string | null) => blobStore().folders(CHECKPOINTS, { limit, cursor: start });
  return cursor === null ? await from(null) : await from(cursor).catch(() => from(null));
}

async function readRound(): Promise<string | null> {
  try {
    return roundSchema.parse(await getJson(ROUND)).cursor;
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}
