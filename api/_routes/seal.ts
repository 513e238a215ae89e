import { sealStatement } from "#lib/approvals/proof.ts";
import { canonicalJson, sha256 } from "#lib/canonical.ts";
import { env } from "#lib/env.ts";

/** As long as an event may have to wait for us: the longest that an approval lives. */
const GOOD_FOR_MS = 7 * 24 * 60 * 60 * 1000;

/** What the edge adds to an event, so that whoever judges it knows that `by` was authenticated here. */
export interface Seal {
  readonly nonce: string;
  readonly expiresAt: string;
  readonly value: string;
}

/**
 * Seals what an authenticated caller said. The nonce is made of the request's id and of what was said, so that a client
 * that sends the same request again (the same `x-request-id`) has said it once. Nothing when APPROVAL_EDGE_SECRET is not
 * set: the event then counts for what it is, and whoever judges it knows whether that is enough.
 */
export function seal(
  facts: Readonly<Record<string, string>>,
  { by, requestId, until }: { by: string; requestId: string; until?: Date },
): Seal | undefined {
  if (env().APPROVAL_EDGE_SECRET === undefined) return undefined;
  const nonce = sha256(canonicalJson({ ...facts, by, requestId })).slice(0, 32);
  const expiresAt = new Date((until?.getTime() ?? Date.now()) + GOOD_FOR_MS).toISOString();
  return { nonce, expiresAt, value: sealStatement({ ...facts, by, nonce, expiresAt }) };
}
