import { type KeyObject, verify } from "node:crypto";
import * as z from "zod";
import { canonicalJson } from "../canonical.ts";

/** Type of an in-toto statement in an envelope. */
const IN_TOTO = "application/vnd.in-toto+json";

/** A DSSE envelope (github.com/secure-systems-lab/dsse, version 1); base64 is the standard one, with padding. */
export const envelopeSchema = z.strictObject({
  payload: z.string(),
  payloadType: z.literal(IN_TOTO),
  signatures: z.array(z.strictObject({ keyid: z.string(), sig: z.string() })).max(10),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** Signs bytes, and says with which key. */
export type Signer = (bytes: Uint8Array) => { keyId: string; signature: Buffer };

/** The bytes that are signed, which bind the payload to its type (DSSE's pre-authentication encoding). */
export function preAuthEncoding(type: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** An envelope around a statement's canonical JSON, as canonical JSON; without a signer it has no signature. */
export function enveloped(statement: unknown, signer: Signer | null): Buffer {
  const payload = Buffer.from(canonicalJson(statement));
  const signed = signer?.(preAuthEncoding(IN_TOTO, payload));
  const envelope: Envelope = {
    payload: payload.toString("base64"),
    payloadType: IN_TOTO,
    signatures: signed ? [{ keyid: signed.keyId, sig: signed.signature.toString("base64") }] : [],
  };
  return Buffer.from(canonicalJson(envelope));
}

/** Whether the envelope's signature with this key id is this key's. */
export function signatureOf(envelope: Envelope, keyId: string, key: KeyObject): boolean {
  const found = envelope.signatures.find(({ keyid }) => keyid === keyId);
  if (!found) return false;
  const sig = Buffer.from(found.sig, "base64");
  // Base64 of the same bytes has one form only: nothing can be hidden in its last bits.
  if (sig.toString("base64") !== found.sig) return false;
  const payload = Buffer.from(envelope.payload, "base64");
  return verify(null, preAuthEncoding(envelope.payloadType, payload), key, sig);
}
