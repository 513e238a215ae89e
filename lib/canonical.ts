import { createHash } from "node:crypto";
import canonicalize from "canonicalize";

/**
 * The one JSON text of a value, RFC 8785 (sorted keys, shortest numbers), so that two parties hash the same bytes.
 * Throws on what JSON cannot say: cycles, NaN, infinities, lone surrogates, a bare undefined.
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("value has no JSON form");
  return text;
}

/** SHA-256 as 64 lower-case hex digits. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
