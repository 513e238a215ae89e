import { Conflict, errorMessage, InvalidInput, Later, NotFound, Unavailable } from "../errors.ts";
import { redactText } from "../redact.ts";

/** What the SDK throws when there was an answer. Told by its fields: the SDK is a bundle of its own, and so are its classes. */
interface Answered {
  readonly statusCode: number;
  readonly headers: Headers;
  readonly body: string;
}

/** What the SDK throws before anything is sent. */
const NOT_SENT = new Set(["SDKValidationError", "InvalidRequestError"]);
/** The longest that a step is put off, in milliseconds. */
const MAX_WAIT_MS = 60 * 60_000;

/**
 * What a failed call to Vercel means. Unavailable: nobody can tell what was done (no answer, 5xx, an answer that the SDK cannot
 * read). Later: Vercel asks to wait and did nothing. NotFound: not there, or not for this token. Conflict (409) and InvalidInput
 * (all other 4xx): refused, with Vercel's `status` in the context.
 * @param secrets what was sent and must not be told, as a refusal may do; the error then has no cause.
 * https://vercel.com/docs/rest-api/reference/errors
 */
export function vercelError(what: string, thrown: unknown, secrets: readonly string[] = []): Error {
  // The SDK's errors hold what was sent and what came back.
  const error = secrets.length === 0 ? thrown : undefined;
  const told = (said: string) => messageOf(what, said, secrets);
  if (!answered(thrown)) {
    const message = told(errorMessage(thrown));
    const unsent = thrown instanceof Error && NOT_SENT.has(thrown.name);
    if (unsent) return new InvalidInput("vercel_request", message, {}, error);
    return new Unavailable("vercel_unreachable", message, {}, error);
  }
  const { statusCode: status } = thrown;
  const message = told(saidIn(thrown) ?? errorMessage(thrown));
  const context = { status };
  if (status < 400) return new Unavailable("vercel_answer", message, context, error);
  if (status === 429)
    return new Later("vercel_rate_limited", message, waitMs(thrown.headers), error);
  if (status >= 500) return new Unavailable("vercel_failed", message, context, error);
  if (status === 404) return new NotFound("vercel_not_found", message, context, error);
  if (status === 409) return new Conflict("vercel_conflict", message, context, error);
  const token = status === 401 || (status === 403 && thrown.body.includes('"invalidToken":true'));
  if (token) return new InvalidInput("vercel_token", message, context, error);
  return new InvalidInput("vercel_refused", message, context, error);
}

/** Redacted before it is cut: half a secret is not known for one. */
function messageOf(what: string, said: string, secrets: readonly string[]): string {
  let shown = said;
  for (const secret of secrets) if (secret !== "") shown = shown.replaceAll(secret, "[redacted]");
  return `Vercel did not ${what}: ${redactText(shown).slice(0, 500)}`;
}

function answered(error: unknown): error is Answered & Error {
  return (
    error instanceof Error &&
    "statusCode" in error &&
    typeof error.statusCode === "number" &&
    "headers" in error &&
    error.headers instanceof Headers &&
    "body" in error &&
    typeof error.body === "string"
  );
}

/** Vercel's own words: `{"error": {"code", "message"}}`. Null for an answer of another form, as a proxy may give. */
function saidIn({ statusCode, body }: Answered): string | null {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
    return error === undefined ? null : `${statusCode} ${error.code}: ${error.message}`;
  } catch {
    return null;
  }
}

/** How long Vercel asks to wait: seconds in `retry-after`, or the time at which the limit is new, in seconds since 1970. */
function waitMs(headers: Headers): number {
  const after = Number(headers.get("retry-after") ?? Number.NaN);
  const reset = Number(headers.get("x-ratelimit-reset") ?? Number.NaN);
  const wait = Number.isFinite(after) ? after * 1000 : reset * 1000 - Date.now();
  return Number.isFinite(wait) ? Math.min(Math.max(1000, wait), MAX_WAIT_MS) : 60_000;
}
