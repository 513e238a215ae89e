import {
  Conflict,
  CountersignError,
  errorMessage,
  InvalidInput,
  Later,
  NotFound,
  Unavailable,
} from "../errors.ts";
import { redactText } from "../redact.ts";

/** What the client throws for an answer that is an error; without an answer there is no response. */
interface Answered {
  readonly response: {
    readonly status: number;
    readonly data: unknown;
    readonly headers: Readonly<Record<string, unknown>>;
  };
}

/** How long operations of a project usually take, which lock it for others. */
const LOCKED_MS = 5_000;
const LIMITED_MS = 30_000;
const LONGEST_WAIT_MS = 60 * 60_000;

/**
 * What a failed call to Neon means. Unavailable: nobody can tell what was done (no answer, 5xx). Later: nothing was done,
 * because other operations are running (423) or too many requests came (429). NotFound: not there, or not for this key.
 * Conflict (409) and InvalidInput (all other 4xx): refused, with Neon's `status` in the context. The error that the client
 * threw is not kept as the cause: it holds the request with its key. https://api-docs.neon.tech/reference (General Error)
 */
export function neonError(what: string, error: unknown): Error {
  if (error instanceof CountersignError) return error;
  if (!answered(error)) {
    return new Unavailable("neon_unreachable", message(what, errorMessage(error)));
  }
  const { status, data, headers } = error.response;
  const said = message(what, `${status} ${messageOf(data)}`);
  if (status === 423) return new Later("neon_busy", said, LOCKED_MS);
  if (status === 429) return new Later("neon_rate_limited", said, waitMs(headers["retry-after"]));
  if (status >= 500) return new Unavailable("neon_failed", said, { status });
  if (status === 404) return new NotFound("neon_not_found", said, { status });
  if (status === 409) return new Conflict("neon_conflict", said, { status });
  if (status === 401) return new InvalidInput("neon_key", said, { status });
  return new InvalidInput("neon_refused", said, { status });
}

/** Redacted before it is cut: half a secret is not known for one. */
function message(what: string, said: string): string {
  return `Neon did not ${what}: ${redactText(said.slice(0, 20_000)).slice(0, 500)}`;
}

function messageOf(data: unknown): string {
  if (typeof data === "string") return data;
  if (typeof data !== "object" || data === null) return "";
  return "message" in data && typeof data.message === "string"
    ? data.message
    : JSON.stringify(data);
}

function answered(error: unknown): error is Answered {
  return (
    error instanceof Error &&
    "response" in error &&
    typeof error.response === "object" &&
    error.response !== null &&
    "status" in error.response &&
    typeof error.response.status === "number"
  );
}

function waitMs(retryAfter: unknown): number {
  const seconds = typeof retryAfter === "string" ? Number(retryAfter) : Number.NaN;
  if (!Number.isFinite(seconds)) return LIMITED_MS;
  return Math.min(Math.max(1, seconds) * 1000, LONGEST_WAIT_MS);
}
