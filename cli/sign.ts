import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { keyId, signStatement } from "#lib/approvals/proof.ts";
import { EXIT, Failure } from "./exit.ts";

/** A statement's proof as events and routes take it. */
export interface Signature {
  readonly keyId: string;
  readonly nonce: string;
  readonly expiresAt: string;
  readonly value: string;
}

/** Signs what `by` says with the private key in a file. Throws Failure for what is no Ed25519 key in PEM. */
export async function signature(
  facts: Readonly<Record<string, string>>,
  { by, keyFile, expiresAt }: { by: string; keyFile: string; expiresAt: string },
): Promise<Signature> {
  const key = await privateKey(keyFile);
  const nonce = randomBytes(24).toString("base64url");
  const value = signStatement({ ...facts, by, nonce, expiresAt }, key);
  return { keyId: keyId(publicText(createPublicKey(key))), nonce, expiresAt, value };
}

/** SPKI DER in base64url: how a project registers a key. */
export function publicText(key: KeyObject): string {
  return key.export({ format: "der", type: "spki" }).toString("base64url");
}

async function privateKey(path: string): Promise<KeyObject> {
  try {
    const key = createPrivateKey(await readFile(path));
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // The library's message may quote the file, which is a private key.
  }
  throw new Failure(EXIT.usage, `${path} is not a file with an Ed25519 key; keys new makes one.`);
}
