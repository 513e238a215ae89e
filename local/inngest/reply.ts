import { z } from "zod";
import type { Answer } from "./app-client.ts";
import { retryAfter } from "./backoff.ts";
import { parseJson } from "./json.ts";
import type { WireError } from "./lifecycle.ts";

const op = z.looseObject({
  id: z.string().min(1).max(200),
  op: z.string(),
  name: z.string().nullish(),
  displayName: z.string().nullish(),
  opts: z.record(z.string(), z.unknown()).nullish(),
  data: z.unknown().optional(),
  error: z.unknown().optional(),
});

/** One operation that the app asks for or reports. */
export type Op = z.infer<typeof op>;
export const opList = z.array(op);

/** What a call of the app came to, once its answer is understood. */
export type Reply =
  | {
      readonly kind: "ops";
      readonly ops: readonly Op[];
      readonly version: number | undefined;
      readonly retryAfterMs?: number;
    }
  | { readonly kind: "done"; readonly result: unknown }
  | {
      readonly kind: "error";
      readonly error: WireError;
      readonly final: boolean;
      readonly retryAfterMs?: number;
    };

/** Reads an answer of the app; whatever is not as the SDK answers becomes a retriable error. */
export function readReply(answer: Extract<Answer, { kind: "answered" }>, now: number): Reply {
  const header = (name: string) => {
    const value = answer.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const retryAfterMs = retryAfter(header("retry-after"), now);
  const json = tryJson(answer.body);
  if (answer.status === 206) {
    const list = opList.safeParse(Array.isArray(json.value) ? json.value : [json.value]);
    if (list.success && list.data.length > 0) {
      const version = Number(header("x-inngest-req-version"));
      return {
        kind: "ops",
        ops: list.data,
        version: version >= 0 ? version : undefined,
        retryAfterMs,
      };
    }
  } else if (answer.status >= 200 && answer.status < 300 && json.ok) {
    return { kind: "done", result: json.value };
  } else if (json.ok && answer.status >= 400) {
    const final = header("x-inngest-no-retry") === "true";
    return { kind: "error", error: toWireError(json.value), final, retryAfterMs };
  }
  const start = answer.body.slice(0, 200);
  const message = `the app answered ${answer.status} with something that is not the SDK's: ${start}`;
  return { kind: "error", error: { name: "Error", message }, final: false, retryAfterMs };
}

/** An error of the SDK (serialized), or anything else, with a name and a message. */
export function toWireError(value: unknown): WireError {
  if (typeof value !== "object" || value === null) {
    return {
      name: "Error",
      message: typeof value === "string" ? value : JSON.stringify(value ?? null),
    };
  }
  const { __serialized, ...fields } = value as Record<string, unknown>;
  const { name, message, error } = fields;
  return {
    ...fields,
    name: typeof name === "string" && name ? name : "Error",
    message:
      typeof message === "string" ? message : typeof error === "string" ? error : "Unknown error",
  };
}

function tryJson(text: string): { ok: boolean; value: unknown } {
  try {
    return { ok: true, value: parseJson(text) };
  } catch {
    return { ok: false, value: undefined }; // an HTML page, nothing at all, too deep: the caller says so
  }
}
