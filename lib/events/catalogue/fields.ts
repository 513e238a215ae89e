import * as z from "zod";
import { redactText } from "../../redact.ts";

/** Field types that several events share. Limits keep every event far below the smallest plan's 256 KB. */

/** What is looked up by its very text cannot be redacted: what would have to be is refused. */
export const harmless = (value: string) => redactText(value) === value;
export const HARMLESS = { error: "looks like a secret: choose another" };

/**
 * An id of ours or of the emitter's. No colon or quote: ids become parts of vector namespaces, filters and blob keys, where
 * those would let one project's id reach into another's.
 */
export const id = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,128}$/, "1 to 128 letters, digits, dashes and underscores")
  .refine(harmless, HARMLESS);

/** PostgreSQL stores neither NUL nor half a surrogate pair: such a text is refused before anything is written. */
const storable = (value: string) => value.isWellFormed() && !value.includes("\0");
const UNICODE = { error: "must be Unicode without NUL" };

/** What stands in place of a secret can be longer than that was, and a text is kept and sent on redacted: it has to fit then too. */
const fits = (max: number) => (value: string) =>
  value.length > max || redactText(value).length <= max;
const TOO_LONG = { error: "too long once what looks like a secret in it is replaced" };
const text = (max: number) =>
  z.string().refine(storable, UNICODE).max(max).refine(fits(max), TOO_LONG);

/** Who did it: a user id or the name of a system. */
export const actor = text(200).min(1);

/** Somebody who is to be recognised later: an owner, an approver. */
export const identity = actor.refine(harmless, HARMLESS);

/** The name that another system gives to what it has. */
export const externalId = text(500).min(1).refine(harmless, HARMLESS);

export const name = text(255).min(1);

/** Text that a person wrote: a reason, a note. */
export const note = text(4000);

/** What a person says in a conversation. */
export const saying = text(32_000).min(1).regex(/\S/, "must say something");

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits");

/** A git commit: SHA-1 or SHA-256, whole. */
export const commitSha = z
  .string()
  .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, "a whole lower-case commit id of 40 or 64 digits");

/** A link may have its right to be fetched in it, and is used as it came. */
export const url = z
  .url({ protocol: /^https?$/ })
  .max(2048)
  .refine(storable, UNICODE);

/** Where something can be seen: kept and sent on, redacted. */
export const place = url.refine(fits(2048), TOO_LONG);

export const timestamp = z.iso.datetime();

export const count = z.int().min(0);

/** JSON object of the emitter's own making; bounded where it is used. */
export const json = z.record(z.string(), z.json()).superRefine((value, { addIssue }) => {
  const path = unstorableAt(value);
  if (path) addIssue({ code: "custom", message: UNICODE.error, path: [...path] });
});

/** Where the first text is that cannot be stored, as the path to it or to the object whose key it is; null: nowhere. */
function unstorableAt(value: unknown, path: readonly string[] = []): readonly string[] | null {
  if (typeof value === "string") return storable(value) ? null : path;
  if (value === null || typeof value !== "object") return null;
  for (const [key, inner] of Object.entries(value)) {
    const found = storable(key) ? unstorableAt(inner, [...path, key]) : path;
    if (found) return found;
  }
  return null;
}
