import type { Api } from "@neondatabase/api-client";
import { env, requiredEnv } from "../env.ts";
import { neonError } from "./errors.ts";

export type NeonApi = Api<unknown>;

/** A page of 400 projects has about 600 KB. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * Asks Neon, as whom NEON_API_KEY says. The client is loaded by the first call. Nothing is repeated here: Inngest repeats a
 * step, and the effect ledger decides whether a change may be sent again.
 * Throws what {@link neonError} makes of a failure.
 * @param what for the message of an error: `read the project wild-sun-123456`.
 */
export async function neonApi<T>(what: string, call: (api: NeonApi) => Promise<T>): Promise<T> {
  const api = await connect();
  try {
    return await call(api);
  } catch (error) {
    throw neonError(what, error);
  }
}

/** What says in a request which organization it is about; nothing when the key belongs to one. */
export function organization(): { org_id?: string } {
  const { NEON_ORG_ID } = env();
  return NEON_ORG_ID === undefined ? {} : { org_id: NEON_ORG_ID };
}

async function connect(): Promise<NeonApi> {
  const { NEON_API_URL } = env();
  const apiKey = requiredEnv("NEON_API_KEY");
  const { createApiClient } = await import("./neon-api-sdk.ts");
  return createApiClient({
    apiKey,
    ...(NEON_API_URL !== undefined && { baseURL: NEON_API_URL }),
    // A redirect would take the key along, and a proxy of the environment would hear what is meant for the loopback.
    maxRedirects: 0,
    proxy: false,
    maxContentLength: MAX_ANSWER_BYTES,
  });
}
