import * as z from "zod";
import {
  EffectDeferred,
  EffectMoved,
  EffectRefused,
  type External,
  type Found,
} from "../effects/definition.ts";
import { requiredEnv } from "../env.ts";
import { Unavailable } from "../errors.ts";
import { redactText } from "../redact.ts";

const object = z.object({ id: z.string(), url: z.url() });
/** As the service keeps it: what it was made with, too. */
const kept = object.extend({ name: z.string(), value: z.json(), head: z.string() });
const problem = z.object({ code: z.string() });

/** What is to be created in a book. */
export interface NewObject {
  readonly book: string;
  readonly kind: "entry" | "note";
  readonly name: string;
  readonly value: string;
  readonly head: string;
  readonly marker: string;
}

/** The head of a book, which moves when others change it. Throws EffectRefused when it is not there. */
export async function readHead(book: string, signal: AbortSignal): Promise<string> {
  const response = await call("GET", `/books/${encodeURIComponent(book)}`, signal);
  return z.object({ head: z.string() }).parse(await response.json()).head;
}

/** The object with this marker, null when the book shows none. */
export async function findObject(
  { book, marker }: { book: string; marker: string },
  signal: AbortSignal,
): Promise<Found | null> {
  const query = new URLSearchParams({ marker });
  const path = `/books/${encodeURIComponent(book)}/objects?${query}`;
  const response = await call("GET", path, signal);
  const { objects } = z.object({ objects: z.array(kept) }).parse(await response.json());
  const [found] = objects;
  if (!found) return null;
  const { id, url, ...made } = found;
  return { id, url, intent: { book, ...made } };
}

/**
 * Creates an object. Throws EffectMoved when the head is another, EffectRefused and EffectDeferred when the service says
 * that it did nothing, and Unavailable when nobody can tell whether it did.
 */
export async function createObject(
  { book, ...body }: NewObject,
  signal: AbortSignal,
): Promise<External> {
  const path = `/books/${encodeURIComponent(book)}/objects`;
  const response = await call("POST", path, signal, body);
  return object.parse(await response.json());
}

async function call(
  method: string,
  path: string,
  signal: AbortSignal,
  body?: object,
): Promise<Response> {
  const token = requiredEnv("LEDGER_TOKEN");
  let response: Response;
  try {
    response = await fetch(new URL(path, requiredEnv("LEDGER_URL")), {
      method,
      signal,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
  } catch (cause) {
    throw new Unavailable("ledger_unreachable", "The ledger service did not answer.", {}, cause);
  }
  if (response.ok) return response;
  // Redacted before it is cut: half a secret is not known for one.
  const text = redactText((await response.text()).slice(0, 10_000)).slice(0, 500);
  const { status } = response;
  if (status === 429) {
    const seconds = Number(response.headers.get("retry-after") ?? 1);
    throw new EffectDeferred("The ledger service asks to wait.", Math.max(1, seconds || 1) * 1000);
  }
  if (status >= 500) {
    throw new Unavailable("ledger_failed", `The ledger service answered ${status}: ${text}`);
  }
  const code = codeOf(text);
  if (code === "head_moved") {
    throw new EffectMoved("head_moved", "The book has changed since the plan was made.");
  }
  if (code === "marker_taken") {
    throw new Unavailable("ledger_has_it", "The ledger service has it already: look for it.");
  }
  throw new EffectRefused("ledger_refused", `The ledger service refused (${status}): ${text}`);
}

function codeOf(text: string): string | undefined {
  try {
    return problem.safeParse(JSON.parse(text)).data?.code;
  } catch {
    // Not JSON, so no code: the status and the text say what there is to say.
    return undefined;
  }
}
