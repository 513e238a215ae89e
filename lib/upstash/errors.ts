import { Conflict, errorMessage, InvalidInput, Later, NotFound, Unavailable } from "../errors.ts";
import { redactText } from "../redact.ts";

const LIMITED_MS = 30_000;
const LONGEST_WAIT_MS = 60 * 60_000;

/**
 * What an answer that is an error means. Unavailable (5xx): nobody can tell what was done. Later (429): asked to wait, nothing
 * was done. NotFound (404), Conflict (409) and InvalidInput (all others): refused, with the `status` in the context.
 * @param answer.secrets what is not to be told, besides what the environment and the forms of secrets say.
 */
export function answerError(
  what: string,
  answer: { status: number; headers: Headers; text: string; secrets: readonly string[] },
): Error {
  const { status, headers, text, secrets } = answer;
  const said = message(what, `${status} ${messageOf(text)}`, secrets);
  if (status === 429) return new Later("upstash_rate_limited", said, waitMs(headers));
  if (status >= 500) return new Unavailable("upstash_failed", said, { status });
  if (status === 404) return new NotFound("upstash_not_found", said, { status });
  if (status === 409) return new Conflict("upstash_conflict", said, { status });
  if (status === 401) return new InvalidInput("upstash_key", said, { status });
  return new InvalidInput("upstash_refused", said, { status });
}

/** No answer: nobody can tell what was done. */
export function unreachable(what: string, error: unknown, secrets: readonly string[]): Unavailable {
  const { cause } = error as { cause?: unknown };
  const said = [error, cause].filter((one) => one !== undefined).map(errorMessage);
  return new Unavailable("upstash_unreachable", message(what, said.join(": "), secrets));
}

/** Redacted before it is cut: half a secret is not known for one. */
function message(what: string, said: string, secrets: readonly string[]): string {
  let text = said.slice(0, 20_000);
  for (const secret of secrets) text = text.replaceAll(secret, "[redacted:credentials]");
  return `Upstash did not ${what}: ${redactText(text).slice(0, 500)}`;
}

/** Errors are texts, or JSON with the text under `error` or `message`. */
function messageOf(text: string): string {
  try {
    const { error, message: said } = JSON.parse(text) as { error?: unknown; message?: unknown };
    return [error, said].find((one) => typeof one === "string") ?? text;
  } catch {
    // Not JSON, or JSON without properties: then the text is what there is to say.
    return text;
  }
}

function waitMs(headers: Headers): number {
  const after = headers.get("retry-after");
  const seconds = Number(after);
  if (after === null || !Number.isFinite(seconds)) return LIMITED_MS;
  return Math.min(Math.max(1, seconds) * 1000, LONGEST_WAIT_MS);
}
