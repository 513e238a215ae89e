import { env, requiredEnv } from "../env.ts";

/** The AI Gateway speaks the same API as every other server: one path for all, which the tests walk. */
const GATEWAY_URL = "https://ai-gateway.vercel.sh/v1";
/** Far below what a deployed function may run for (build.ts): several pieces may be written in one request. */
const TIMEOUT_SECONDS = 50;

/** Where which model is asked. */
export interface Target {
  readonly model: string;
  readonly url: string;
  readonly apiKey: string | undefined;
  /** For one piece of writing, repairs and skills included. */
  readonly timeoutMs: number;
}

/**
 * The model that the environment names, at MODEL_URL or else at the AI Gateway; null when it names none. Throws InvalidInput
 * when the gateway's key is not set.
 */
export function modelTarget(): Target | null {
  const { MODEL, MODEL_URL, MODEL_API_KEY, MODEL_TIMEOUT_SECONDS = TIMEOUT_SECONDS } = env();
  if (MODEL === undefined) return null;
  const timeoutMs = MODEL_TIMEOUT_SECONDS * 1000;
  if (MODEL_URL !== undefined) {
    return { model: MODEL, url: MODEL_URL, apiKey: MODEL_API_KEY, timeoutMs };
  }
  const apiKey = requiredEnv("AI_GATEWAY_API_KEY");
  return { model: MODEL, url: GATEWAY_URL, apiKey, timeoutMs };
}

/** A request as the server at `url` wants it: OpenAI itself calls the limit of an answer otherwise than the others. */
export function outputLimit(body: Record<string, unknown>, url: string): Record<string, unknown> {
  if (new URL(url).hostname !== "api.openai.com") return body;
  const { max_tokens: most, ...others } = body;
  return { ...others, max_completion_tokens: most };
}
