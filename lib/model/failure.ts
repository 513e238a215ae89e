import * as z from "zod";
import type { ModelOutcome } from "../data/model-calls.server.ts";
import {
  type CountersignError,
  errorMessage,
  InvalidInput,
  Later,
  Unavailable,
} from "../errors.ts";
import { redactText } from "../redact.ts";

/** How a request failed: what its row says, and what is thrown. */
export interface Failure {
  readonly outcome: ModelOutcome;
  readonly error: CountersignError;
}

/** The fields of the AI SDK's APICallError that count, by their shape: its class is in a package that is loaded late. */
const httpError = z.object({
  statusCode: z.number(),
  responseHeaders: z.record(z.string(), z.string()).optional(),
});

/** Unless the server says for how long; and the longest that is taken from it. */
const WAIT_MS = 20_000;
const MAX_WAIT_MS = 15 * 60_000;
const PASSING = new Set([408, 409, 425]);

/**
 * What an error of the AI SDK means. The SDK's own is not kept as the cause: it holds the whole prompt and answer. What the
 * server said is quoted in part, redacted, since servers like to repeat the key that they do not know.
 */
export function failureOf(thrown: unknown, model: string): Failure {
  const said = excerpt(thrown);
  const http = httpError.safeParse(thrown).data;
  // A stream that cannot be read has a status as well: that of its beginning.
  if (http === undefined || http.statusCode < 400) {
    const message = `The model ${model} did not answer to the end: ${said}`;
    return { outcome: "unavailable", error: new Unavailable("model_unavailable", message) };
  }
  const { statusCode: status, responseHeaders } = http;
  const answered = `The model server answered ${status} for ${model}: ${said}`;
  if (status === 429 || (status === 503 && responseHeaders?.["retry-after"])) {
    const error = new Later("model_busy", answered, waitMs(responseHeaders?.["retry-after"]));
    return { outcome: "rate_limited", error };
  }
  if (status >= 500 || PASSING.has(status)) {
    return { outcome: "unavailable", error: new Unavailable("model_unavailable", answered) };
  }
  const message = `${answered} (MODEL, MODEL_URL and the key are in docs/model.md.)`;
  return { outcome: "rejected", error: new InvalidInput("model_rejected", message, { status }) };
}

/** When the time for a piece of writing is over. */
export function timedOut(model: string, timeoutMs: number): Failure {
  const message = `The model ${model} was not done within ${timeoutMs / 1000} s (MODEL_TIMEOUT_SECONDS).`;
  return { outcome: "timeout", error: new Unavailable("model_timeout", message) };
}

/** When the model, or a filter in front of it, will not do it: asking again would not help. */
export function refused(model: string, said: string): Failure {
  const message = `The model ${model} refused: ${excerpt(said || "it gave no reason")} Change the task or its sources, or use another MODEL.`;
  return { outcome: "refused", error: new InvalidInput("model_refused", message) };
}

/** When what came is not the object that was asked for. Caught once by the writer, which asks again. */
export class Malformed extends Unavailable {
  /** What is wrong, for the model, and what it wrote. */
  readonly problem: string;
  readonly text: string;

  constructor(model: string, problem: string, text: string) {
    super(
      "model_malformed",
      `The model ${model} did not answer in the form that was asked for: ${problem}`,
    );
    this.problem = problem;
    this.text = text;
  }
}

/** `retry-after` in seconds or as a date. */
function waitMs(header: string | undefined): number {
  if (header === undefined) return WAIT_MS;
  const ms = /^\d+(\.\d+)?$/.test(header.trim())
    ? Number(header) * 1000
    : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? WAIT_MS : Math.min(Math.max(Math.ceil(ms), 1000), MAX_WAIT_MS);
}

/** Redacted before it is cut: half a secret is not known for one. */
function excerpt(said: unknown): string {
  const text =
    said instanceof Error || typeof said === "string" ? errorMessage(said) : inside(said);
  const clean = redactText(text.slice(0, 10_000)).replace(/\s+/g, " ").trim().slice(0, 300);
  return /[.!?]$/.test(clean) ? clean : `${clean}.`;
}

/** The error in a stream is whatever object the server sends. */
function inside(said: unknown): string {
  const { data } = z.object({ message: z.string() }).safeParse(said);
  return data?.message ?? "the stream ended with an error that has no message";
}
