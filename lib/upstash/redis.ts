import * as z from "zod";
import {
  exchange,
  idOf,
  orNull,
  type UpstashCredentials,
  type UpstashResource,
  understood,
  upstash,
} from "./management.ts";

/** What a database says of itself; the region of a global one, as all new ones are, is its primary one. */
const database = z.object({
  database_id: z.string(),
  database_name: z.string(),
  region: z.string(),
  primary_region: z.string().optional(),
});
const credentials = z.object({ endpoint: z.string().min(1), rest_token: z.string().min(1) });

/** Google's regions have no dash before their number: `us-central1`, `us-east4`. */
const GOOGLE = /[a-z]\d+$/;

/** A database by its id, null when it is not there. */
export async function readRedis(id: string, signal: AbortSignal): Promise<UpstashResource | null> {
  return await orNull(async () => {
    const path = `/redis/database/${idOf(id)}?credentials=hide`;
    return factsOf(
      await upstash(`read the Redis ${id}`, { method: "GET", path, signal }, database),
    );
  });
}

/** The database of exactly this name, the one with the lowest id when there are several; null when there is none. */
export async function findRedis(
  name: string,
  signal: AbortSignal,
): Promise<UpstashResource | null> {
  const call = { method: "GET", path: "/redis/databases", signal } as const;
  const all = await upstash(`look for the Redis ${name}`, call, z.array(database));
  const [first] = all
    .filter(({ database_name }) => database_name === name)
    .sort((a, b) => (a.database_id < b.database_id ? -1 : 1));
  return first ? factsOf(first) : null;
}

/** Makes a database whose one region is `region`, with TLS. */
export async function createRedis(
  { name, region }: { name: string; region: string },
  signal: AbortSignal,
): Promise<UpstashResource> {
  const platform = GOOGLE.test(region) ? "gcp" : "aws";
  const body = { database_name: name, platform, primary_region: region, tls: true };
  const call = { method: "POST", path: "/redis/database", body, signal } as const;
  return factsOf(await upstash(`create the Redis ${name}`, call, database));
}

/** Deletes a database with what is in it. One that is not there any more is fine. */
export async function deleteRedis(id: string, signal: AbortSignal): Promise<void> {
  await orNull(async () => {
    const path = `/redis/database/${idOf(id)}`;
    await upstash(`delete the Redis ${id}`, { method: "DELETE", path, signal }, z.unknown());
  });
}

/** Where the REST API of a database is, and what opens it. Throws NotFound when it is not there. */
export async function redisCredentials(
  id: string,
  signal: AbortSignal,
): Promise<UpstashCredentials> {
  const path = `/redis/database/${idOf(id)}`;
  const what = `give the credentials of the Redis ${id}`;
  const answer = await upstash(what, { method: "GET", path, signal }, credentials);
  const { endpoint, rest_token: token } = answer;
  // Only the local one says a whole URL.
  return { url: URL.canParse(endpoint) ? endpoint : `https://${endpoint}`, token };
}

/** Asks a database for a sign of life, as an app would. Throws when there is none. */
export async function testRedis(id: string, signal: AbortSignal): Promise<{ answered: "PONG" }> {
  const { url, token } = await redisCredentials(id, signal);
  const what = `answer at the Redis ${id}`;
  const request = { url, method: "POST", body: ["PING"], secrets: [token], signal };
  const text = await exchange(what, { ...request, authorization: `Bearer ${token}` });
  const { result } = understood(what, text, z.object({ result: z.literal("PONG") }));
  return { answered: result };
}

function factsOf(answer: z.infer<typeof database>): UpstashResource {
  const { database_id: id, database_name: name, region, primary_region } = answer;
  return { id, name, region: region === "global" ? (primary_region ?? region) : region };
}
