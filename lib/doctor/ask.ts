import { errorMessage } from "../errors.ts";
import { CheckFailed } from "./check.ts";

/** An answer that is read; more of it is not wanted. */
const MAX_BYTES = 4 * 2 ** 20;

export interface Question {
  /** Whom we ask, for messages: `GitHub`. */
  readonly whom: string;
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** What to do when the credential is refused (401 or 403). */
  readonly refused: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * One GET. Redirects are not followed, so that no credential goes where nobody sent it.
 * Throws CheckFailed when nobody answers, or with too much.
 */
export async function get({
  whom,
  url,
  headers = {},
  signal,
}: Omit<Question, "refused">): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(url, { headers, signal, redirect: "manual" });
  } catch (error) {
    throw new CheckFailed(`${whom} did not answer: ${reason(error)}`, undefined, error);
  }
  const text = await bounded(whom, response);
  return { status: response.status, headers: response.headers, text };
}

/** The same, answered with 2xx. Throws CheckFailed for every other status too. */
export async function ask({ refused, ...question }: Question): Promise<Answer> {
  const answer = await get(question);
  const { status } = answer;
  if (status === 401 || status === 403) {
    throw new CheckFailed(`${question.whom} refused the credential (${status}).`, refused);
  }
  if (status < 200 || status > 299) throw new CheckFailed(`${question.whom} answered ${status}.`);
  return answer;
}

/** The answer as JSON. Throws CheckFailed when it is none, which a wrong address often is. */
export async function askJson(question: Question): Promise<{ headers: Headers; body: unknown }> {
  const { headers, text } = await ask(question);
  try {
    return { headers, body: JSON.parse(text) };
  } catch (error) {
    throw new CheckFailed(`${question.whom} did not answer with JSON.`, undefined, error);
  }
}

/** `path` below a base URL, whether or not that ends with a slash. */
export function below(base: string, path: string): URL {
  return new URL(path, base.endsWith("/") ? base : `${base}/`);
}

async function bounded(whom: string, response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES)
      throw new CheckFailed(`${whom} answered with more than ${MAX_BYTES} bytes.`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** fetch says only that it failed; why, its cause says. */
function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof AggregateError) return reason({ cause: cause.errors[0] });
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  return code ?? errorMessage(cause ?? error);
}
