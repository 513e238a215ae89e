import { STATUS_CODES } from "node:http";
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { CountersignError, errorMessage, InvalidInput, NotFound } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { redactText } from "#lib/redact.ts";

/** RFC 9457. */
export const Problem = z
  .object({
    type: z.string().describe("Always about:blank: `code` tells problems apart"),
    title: z.string().describe("The name of the status"),
    status: z.int(),
    code: z.string().describe("Stable name for programs"),
    detail: z.string().describe("What is wrong and what to change, for people"),
    requestId: z.string().describe("Names this request in our log"),
  })
  .openapi("Problem");

/** The OpenAPI description of the errors that a route answers with. */
export function problems<S extends number>(...statuses: readonly S[]) {
  const content = { "application/problem+json": { schema: Problem } };
  const described = statuses.map((status) => [
    status,
    { description: STATUS_CODES[status] ?? "Error", content },
  ]);
  return Object.fromEntries(described) as Record<
    S,
    { description: string; content: typeof content }
  >;
}

/** Ours, since lib/ has no reason to know about request bodies. */
export class BodyTooLarge extends CountersignError {
  override readonly name = "BodyTooLarge";
  readonly retry = false;
  readonly status = 413;
}

/** Answers any error with a problem document. What we did not expect is logged and told to nobody. */
export function problemOf(error: unknown, c: Context): Response {
  const { status, code, ...found } = described(error);
  // It may repeat what was sent, and ends in the caller's log.
  const detail = redactText(found.detail);
  const requestId = String(c.get("requestId"));
  if (status >= 500) {
    const { method, path } = c.req;
    const cause = rootCause(error);
    const fields = { requestId, method, path, code, error: errorMessage(cause) };
    // What passes by itself is known by its code; for the rest somebody has to find the place.
    if (status === 503) log.warn("request failed", fields);
    else log.error("request failed", { ...fields, stack: cause instanceof Error && cause.stack });
  }
  if (c.req.method === "POST") void discard(c.req.raw.body);
  if (status === 401) c.header("www-authenticate", "Bearer");
  if (status === 503) c.header("retry-after", "5");
  const title = STATUS_CODES[status] ?? "Error";
  const problem = { type: "about:blank", title, status, code, detail, requestId };
  return c.body(JSON.stringify(problem satisfies z.infer<typeof Problem>), status as 500, {
    "content-type": "application/problem+json",
  });
}

/**
 * Reads what is left of a refused body while the answer is on its way, for 2 seconds at most. Bytes left unread would
 * have the connection reset, often before the client has seen the answer.
 */
async function discard(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body === null || body.locked) return;
  const until = performance.now() + 2000;
  const reader = body.getReader();
  try {
    while (performance.now() < until && !(await reader.read()).done);
  } catch {
    // The client is gone: nothing is left to read, and nobody to answer.
  }
}

/** What happened first. What wraps it may quote a query with its parameters, which are no matter for a log. */
export function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : error;
}

const INTERNAL = {
  status: 500,
  code: "internal",
  detail: "Something went wrong here. Try again, and tell us the requestId if it stays.",
};

function described(error: unknown): { status: number; code: string; detail: string } {
  if (error instanceof HTTPException && error.status < 500) {
    const code = HTTP_CODES[error.status] ?? "bad_request";
    return { status: error.status, code, detail: error.message };
  }
  // A faulty environment is our own fault, not the caller's, and its names are not for them.
  if (!(error instanceof CountersignError) || error.code === "environment") return INTERNAL;
  const status = error.code === "too_large" ? 413 : error.status;
  return { status, code: error.code, detail: error.message };
}

/** What Hono itself refuses. */
const HTTP_CODES: Record<number, string> = {
  400: "malformed_body",
  413: "too_large",
  415: "unsupported_media_type",
};

/** Turns what the schemas of a route refuse into one InvalidInput that names every place. */
export function refuseInvalid(result: {
  success: boolean;
  target: string;
  error?: { issues: readonly { path: readonly PropertyKey[]; message: string }[] };
}): void {
  if (result.success) return;
  const issues = (result.error?.issues ?? []).slice(0, 10);
  const detail = issues.map(({ path, message }) =>
    path.length > 0 ? `${path.map(String).join(".")}: ${message}` : message,
  );
  throw new InvalidInput(`invalid_${result.target}`, `Not valid: ${detail.join("; ")}`);
}

export function noSuchRoute(c: Context): never {
  throw new NotFound(
    "route_not_found",
    `There is no such route for ${c.req.method}; GET /api/openapi.json lists what there is`,
  );
}
