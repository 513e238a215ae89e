import { Conflict, errorMessage, InvalidInput, Later, NotFound, Unavailable } from "../errors.ts";
import { redactText } from "../redact.ts";

/** What the client throws for an answer that is an error; a call without an answer has the status 500 and no response. */
interface Answered {
  readonly status: number;
  readonly response?: { readonly headers: Record<string, string | number | undefined> };
}

/**
 * What a failed call to GitHub means. Unavailable: nobody can tell what was done (no answer, 5xx). Later: GitHub asks to
 * wait and did nothing. NotFound: not there, or not for this token. Conflict (409) and InvalidInput (all other 4xx): refused,
 * with GitHub's `status` in the context. https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
 */
export function githubError(what: string, error: unknown): Error {
  // Redacted before it is cut: half a secret is not known for one.
  const said = redactText(errorMessage(error)).slice(0, 500);
  const message = `GitHub did not ${what}: ${said}`;
  if (!answered(error)) return new Unavailable("github_unreachable", message, {}, error);
  const { status } = error;
  const wait = waitMs(error, said);
  if (wait !== null) return new Later("github_rate_limited", message, wait, error);
  if (status >= 500) return new Unavailable("github_failed", message, { status }, error);
  if (status === 404) return new NotFound("github_not_found", message, { status }, error);
  if (status === 409) return new Conflict("github_conflict", message, { status }, error);
  if (status === 401) return new InvalidInput("github_token", message, { status }, error);
  return new InvalidInput("github_refused", message, { status }, error);
}

function answered(error: unknown): error is Answered {
  return error instanceof Error && "status" in error && typeof error.status === "number";
}

/**
 * How long to wait when one of the two rate limits is used up, which GitHub says with 403 or 429, at most an hour; null when none
 * is. The secondary one is not always said in a header, and a minute is the least then.
 */
function waitMs({ status, response }: Answered, said: string): number | null {
  if (status !== 403 && status !== 429) return null;
  const header = (name: string) => response?.headers[name];
  const after = header("retry-after");
  if (after !== undefined) return Math.min(Math.max(1, Number(after) || 60), 60 * 60) * 1000;
  const used = String(header("x-ratelimit-remaining")) === "0";
  if (used) {
    const reset = Number(header("x-ratelimit-reset") ?? 0) * 1000;
    return Math.min(Math.max(1000, reset - Date.now()), 60 * 60_000);
  }
  return status === 429 || /secondary rate limit/i.test(said) ? 60_000 : null;
}
