import type { VercelCore } from "@vercel/sdk/core.js";
import type { RequestOptions } from "@vercel/sdk/lib/sdks.js";
import type { Result } from "@vercel/sdk/types/fp.js";
import type * as z from "zod";
import { env, requiredEnv } from "../env.ts";
import { NotFound, Unavailable } from "../errors.ts";
import { sending } from "./body.ts";
import { vercelError } from "./errors.ts";

/** What a call is made with: the SDK's functions, and what each of them wants. */
export interface VercelApi {
  readonly sdk: typeof import("./vercel-api-sdk.ts");
  readonly core: VercelCore;
  /** Part of every request; empty for a token of one person. */
  readonly team: { readonly teamId?: string };
  readonly options: RequestOptions;
}

export interface VercelCall<T> {
  /** For the message of an error: `read the project shop`. */
  readonly what: string;
  readonly signal: AbortSignal;
  /** What is read of the answer. The SDK makes empty texts of what is missing, so it says what may not be empty. */
  readonly answer: z.ZodType<T>;
  /** Fields of the request's body that Vercel takes and the SDK does not know. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** What the request holds and no error may tell. */
  readonly secrets?: readonly string[];
  readonly ask: (api: VercelApi) => Promise<Result<unknown, unknown>>;
}

/**
 * Asks Vercel, as whom VERCEL_TOKEN says, for the team VERCEL_TEAM_ID when it is set. The SDK is loaded by the first call. Nothing
 * is repeated here: Inngest repeats a step, and the effect ledger decides whether a change may be sent again. One call takes at
 * most PROVIDER_TIMEOUT_SECONDS. Throws what {@link vercelError} makes of a failure, and Unavailable `vercel_answer` for an
 * answer that is not what it should be: then nobody knows what was done.
 */
export async function vercel<T>(call: VercelCall<T>): Promise<T> {
  const { what, signal, answer, more, secrets, ask } = call;
  const { VERCEL_API_URL, VERCEL_TEAM_ID, PROVIDER_TIMEOUT_SECONDS = 25 } = env();
  const bearerToken = requiredEnv("VERCEL_TOKEN");
  const sdk = await import("./vercel-api-sdk.ts");
  const late = AbortSignal.timeout(PROVIDER_TIMEOUT_SECONDS * 1000);
  const ends = AbortSignal.any([signal, late]);
  const core = new sdk.VercelCore({
    bearerToken,
    userAgent: "countersign",
    retryConfig: { strategy: "none" },
    httpClient: new sdk.HTTPClient({ fetcher: sending(ends, more) }),
    ...(VERCEL_API_URL !== undefined && { serverURL: VERCEL_API_URL }),
  });
  const options = { signal: ends };
  const team = VERCEL_TEAM_ID === undefined ? {} : { teamId: VERCEL_TEAM_ID };
  let result: Result<unknown, unknown>;
  try {
    result = await ask({ sdk, core, team, options });
  } catch (error) {
    throw vercelError(what, error, secrets);
  }
  if (!result.ok) throw vercelError(what, result.error, secrets);
  const read = answer.safeParse(result.value);
  if (read.success) return read.data;
  const where = read.error.issues.map(({ path }) => path.join(".")).join(", ");
  throw new Unavailable("vercel_answer", `Vercel was asked to ${what}; its answer lacks ${where}.`);
}

/** The same for what may not be there: null then. */
export async function vercelOrNull<T>(call: VercelCall<T>): Promise<T | null> {
  try {
    return await vercel(call);
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}
