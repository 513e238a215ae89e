import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { keyId } from "#lib/approvals/proof.ts";

/** A key of an approver's, as a project registers it and as its owner signs with it. */
export function approverKey(): { id: string; publicKey: string; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const text = publicKey.export({ format: "der", type: "spki" }).toString("base64url");
  return { id: keyId(text), publicKey: text, privateKey };
}
