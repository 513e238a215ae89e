import {
  createHash,
  createHmac,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { canonicalJson } from "../canonical.ts";
import { env, requiredEnv } from "../env.ts";
import { InvalidInput } from "../errors.ts";

/** What is vouched for: one decision about exactly one thing by one person, once, and not for ever. */
export type Statement = Readonly<Record<string, string>> & {
  readonly by: string;
  readonly nonce: string;
  readonly expiresAt: string;
};

/**
 * What a resolution of an effect is about, as it is signed and sealed. The attempt is in it: what was said about one sending
 * does not hold for the next.
 */
export function resolutionFacts(said: {
  readonly effectId: string;
  readonly attempt: number;
  readonly resolution: string;
  readonly externalId?: string | undefined;
  readonly externalUrl?: string | undefined;
}): Readonly<Record<string, string>> {
  const { effectId, attempt, resolution, externalId = "", externalUrl = "" } = said;
  return { effectId, attempt: String(attempt), resolution, externalId, externalUrl };
}

/** The bytes that are signed: canonical JSON (RFC 8785), so that a signer in any language makes the same. */
function message(statement: Statement): Buffer {
  return Buffer.from(canonicalJson(statement));
}

/** An approver's signature, Ed25519 as base64url. */
export function signStatement(statement: Statement, privateKey: KeyObject): string {
  return sign(null, message(statement), privateKey).toString("base64url");
}

/** Whether `value` is the signature of exactly this statement by the key with this public half (SPKI DER, base64url). */
export function signatureHolds(statement: Statement, value: string, publicKey: string): boolean {
  return verify(null, message(statement), readPublicKey(publicKey), bytes(value));
}

/** Reads a public key. Throws InvalidInput when it is not an Ed25519 key in SPKI DER, base64url. */
export function readPublicKey(publicKey: string): KeyObject {
  const problem = "A public key must be Ed25519, as SPKI DER in base64url.";
  try {
    const key = createPublicKey({ key: bytes(publicKey), format: "der", type: "spki" });
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    throw new InvalidInput("public_key_invalid", problem, {}, cause);
  }
  throw new InvalidInput("public_key_invalid", problem);
}

/** The id of a key: the first 32 hex digits of SHA-256 over its SPKI DER. */
export function keyId(publicKey: string): string {
  const der = readPublicKey(publicKey).export({ format: "der", type: "spki" });
  return createHash("sha256").update(der).digest("hex").slice(0, 32);
}

/**
 * The seal that our HTTP edge puts on the decision of somebody it has authenticated: HMAC-SHA256, base64url, with a key
 * that only the edge and the judge have. Whoever has no more than the event key cannot make one.
 * Throws InvalidInput when APPROVAL_EDGE_SECRET is not set.
 */
export function sealStatement(statement: Statement): string {
  return createHmac("sha256", sealingKey()).update(message(statement)).digest("base64url");
}

/** Whether `value` is the seal of exactly this statement. Without APPROVAL_EDGE_SECRET no edge of ours seals anything. */
export function sealHolds(statement: Statement, value: string): boolean {
  if (env().APPROVAL_EDGE_SECRET === undefined) return false;
  const expected = bytes(sealStatement(statement));
  const given = bytes(value);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function sealingKey(): Buffer {
  const secret = requiredEnv("APPROVAL_EDGE_SECRET");
  return Buffer.from(hkdfSync("sha256", secret, "", "countersign approval edge v1", 32));
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "base64url");
}
