import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import * as z from "zod";
import { canonicalJson } from "../canonical.ts";
import { requiredEnv } from "../env.ts";
import { InvalidInput } from "../errors.ts";

/** Says that at some time the chain of a project ended with this entry. Kept outside the database. */
export const checkpointSchema = z.strictObject({
  projectId: z.string(),
  seq: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.iso.datetime({ precision: 3 }),
  /** Seq of the checkpoint before, so that one leads to all. */
  previous: z.int().min(1).nullable(),
  /** First 32 hex digits of SHA-256 over the public key's SPKI DER. */
  keyId: z.string().regex(/^[0-9a-f]{32}$/),
  /** Ed25519 over the canonical JSON of all other fields, base64url. */
  signature: z.string().max(200),
});

export type Checkpoint = z.infer<typeof checkpointSchema>;

/** Public keys by key id: those that were in use, because a key may have been replaced. */
export type PublicKeys = ReadonlyMap<string, KeyObject>;

/** Signs with AUDIT_SIGNING_KEY. Throws InvalidInput when it is not set or no Ed25519 key. */
export function signCheckpoint(facts: Omit<Checkpoint, "keyId" | "signature">): Checkpoint {
  const key = signingKey();
  const signed = { ...facts, keyId: keyId(createPublicKey(key)) };
  const signature = sign(null, Buffer.from(canonicalJson(signed)), key).toString("base64url");
  return { ...signed, signature };
}

/** Why a checkpoint proves nothing, or null when one of the keys has signed exactly this. */
export function checkpointProblem(
  checkpoint: Checkpoint,
  keys: PublicKeys,
): "unknown_key" | "bad_signature" | null {
  const { signature, ...signed } = checkpoint;
  const key = keys.get(checkpoint.keyId);
  if (!key) return "unknown_key";
  const bytes = Buffer.from(canonicalJson(signed));
  return verify(null, bytes, key, Buffer.from(signature, "base64url")) ? null : "bad_signature";
}

/** Reads public keys: each PEM, or SPKI DER in base64 or base64url. Throws InvalidInput on what is no Ed25519 key. */
export function publicKeys(...texts: readonly string[]): PublicKeys {
  return new Map(
    texts.map((text) => {
      const key = read(text, (options) =>
        createPublicKey(options.format === "pem" ? options.key : { ...options, type: "spki" }),
      );
      return [keyId(key), key];
    }),
  );
}

/** The public half of AUDIT_SIGNING_KEY as PEM: what an auditor is given once. Throws InvalidInput without a key. */
export function auditPublicKey(): string {
  const key = createPublicKey(signingKey());
  return key.export({ type: "spki", format: "pem" }).toString();
}

/** Ed25519 over bytes by AUDIT_SIGNING_KEY, which is named as checkpoints name it. Throws InvalidInput without a key. */
export function signWithAuditKey(bytes: Uint8Array): { keyId: string; signature: Buffer } {
  const key = signingKey();
  return { keyId: keyId(createPublicKey(key)), signature: sign(null, bytes, key) };
}

function signingKey(): KeyObject {
  return read(requiredEnv("AUDIT_SIGNING_KEY"), (options) =>
    createPrivateKey(options.format === "pem" ? options.key : { ...options, type: "pkcs8" }),
  );
}

type KeyText =
  | { readonly format: "pem"; readonly key: string }
  | { readonly format: "der"; readonly key: Buffer };

function read(text: string, create: (options: KeyText) => KeyObject): KeyObject {
  // Dashboards that take one line get a PEM whose line ends are written out.
  const pem = text.replaceAll("\\n", "\n");
  const options: KeyText = pem.includes("-----BEGIN")
    ? { format: "pem", key: pem }
    : { format: "der", key: Buffer.from(text, "base64") };
  let key: KeyObject;
  try {
    key = create(options);
  } catch {
    // The library's message may quote what it could not read, which may be a private key.
    throw new InvalidInput("key_invalid", "Not a key: give PEM, or DER in base64.");
  }
  if (key.asymmetricKeyType !== "ed25519") {
    throw new InvalidInput("key_invalid", `Not an Ed25519 key but ${key.asymmetricKeyType}.`);
  }
  return key;
}

function keyId(key: KeyObject): string {
  const der = key.export({ type: "spki", format: "der" });
  return createHash("sha256").update(der).digest("hex").slice(0, 32);
}
