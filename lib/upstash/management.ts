import * as z from "zod";
import { env, requiredEnv } from "../env.ts";
import { NotFound, Unavailable } from "../errors.ts";
import { answerError, unreachable } from "./errors.ts";

/** What is at Upstash as its Developer API names it. */
export interface UpstashResource {
  readonly id: string;
  readonly name: string;
  /** Such as `us-east-1`. */
  readonly region: string;
}

/** What opens one database or index over REST: secrets. */
export interface UpstashCredentials {
  readonly url: string;
  readonly token: string;
}

const API = "https://api.upstash.com/v2";
/** An account's list comes in one answer, about 1 KB for each. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const ID = /^[A-Za-z0-9-]{1,100}$/;

export interface UpstashCall {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the API's address: `/vector/index`. */
  readonly path: string;
  readonly body?: object;
  readonly signal: AbortSignal;
}

/**
 * Asks the Developer API, as whom UPSTASH_EMAIL and UPSTASH_API_KEY say, and returns of the answer what `schema` names.
 * Nothing is repeated here: Inngest repeats a step, and the effect ledger decides whether a change may be sent again.
 * Throws what {@link answerError} makes of a refusal, and Unavailable when there is no answer or one that cannot be understood.
 * https://upstash.com/docs/devops/developer-api
 * @param what for the message of an error: `create the index shop`.
 */
export async function upstash<T extends z.ZodType>(
  what: string,
  { method, path, body, signal }: UpstashCall,
  schema: T,
): Promise<z.infer<T>> {
  const credentials = `${requiredEnv("UPSTASH_EMAIL")}:${requiredEnv("UPSTASH_API_KEY")}`;
  const encoded = Buffer.from(credentials).toString("base64");
  const text = await exchange(what, {
    url: `${env().UPSTASH_API_URL ?? API}${path}`,
    method,
    authorization: `Basic ${encoded}`,
    secrets: [encoded],
    body,
    signal,
  });
  return understood(what, text, schema);
}

/** One request with its answer as text, at most 8 MB. No secret is in an error: not those of the environment, nor `secrets`. */
export async function exchange(
  what: string,
  request: {
    url: string;
    method: string;
    authorization: string;
    secrets: readonly string[];
    body?: object | undefined;
    signal: AbortSignal;
  },
): Promise<string> {
  const { url, method, authorization, secrets, body, signal } = request;
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      ...{ method, signal },
      headers: { authorization, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
      // The credentials are for this address alone.
      redirect: "manual",
    });
    text = await bounded(response);
  } catch (error) {
    throw unreachable(what, error, secrets);
  }
  if (response.ok) return text;
  throw answerError(what, { status: response.status, headers: response.headers, text, secrets });
}

/** Throws Unavailable for an answer without what it must hold; what it holds is not in the message. */
export function understood<T extends z.ZodType>(what: string, text: string, schema: T): z.infer<T> {
  const { data, success } = z
    .string()
    .transform((json, context) => {
      try {
        return JSON.parse(json) as unknown;
      } catch {
        context.addIssue("not JSON");
        return z.NEVER;
      }
    })
    .pipe(schema)
    .safeParse(text);
  if (success) return data;
  const message = `Upstash was asked to ${what} and answered with something else than it says it does.`;
  throw new Unavailable("upstash_answer", message);
}

/** The id as a part of a path. Throws NotFound for what is none, which could be another path there. */
export function idOf(id: string): string {
  if (ID.test(id)) return id;
  throw new NotFound("upstash_not_found", `${JSON.stringify(id)} is not an id at Upstash.`);
}

/** What `read` finds, null when that is not there. */
export async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}

async function bounded(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES)
      throw new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
