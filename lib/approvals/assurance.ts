import { readApproverKey } from "../data/policies.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import type { Assurance } from "../policy/document.ts";
import { type Statement, sealHolds, signatureHolds } from "./proof.ts";

/** What came with a decision to vouch for it. */
export interface Proofs {
  readonly signature?:
    | { keyId: string; nonce: string; expiresAt: string; value: string }
    | undefined;
  readonly edge?: { nonce: string; expiresAt: string; value: string } | undefined;
}

export type ProofRefusal = "bad_signature" | "unknown_key" | "bad_seal" | "proof_expired";

export type Proved =
  | {
      ok: true;
      assurance: Assurance;
      nonce?: string;
      keyId?: string;
      value?: string;
      /** Of a signature: it is part of what was signed, so that nobody can check it again without it. */
      expiresAt?: string;
    }
  | { ok: false; reason: ProofRefusal; detail: string };

/**
 * How far a decision is vouched for. A proof that came and does not hold is a refusal, never a fall back to less: who
 * forges must not be heard as somebody who only has the event key. `facts` is what the statement is about, without `by`.
 */
export async function prove(
  input: {
    projectId: string;
    by: string;
    facts: Readonly<Record<string, string>>;
    proofs: Proofs;
    now: Date;
  },
  tx: Tx,
): Promise<Proved> {
  const { projectId, by, facts, now } = input;
  const { signature, edge } = input.proofs;
  const proof = signature ?? edge;
  if (!proof) return { ok: true, assurance: "event" };
  const { nonce, expiresAt } = proof;
  const statement: Statement = { ...facts, by, nonce, expiresAt };
  if (signature) {
    const key = await readApproverKey({ projectId, id: signature.keyId }, tx);
    if (!key || key.revokedAt || key.owner !== by) {
      const detail = `${signature.keyId} is not a valid key of ${by} in this project`;
      return { ok: false, reason: "unknown_key", detail };
    }
    if (!signatureHolds(statement, signature.value, key.publicKey)) {
      const detail = "the signature is not of this decision by this key";
      return { ok: false, reason: "bad_signature", detail };
    }
  }
  if (edge) {
    const sealed = { ...facts, by, nonce: edge.nonce, expiresAt: edge.expiresAt };
    if (!sealHolds(sealed, edge.value)) {
      const detail = "the seal is not our edge's for this decision";
      return { ok: false, reason: "bad_seal", detail };
    }
  }
  if (Date.parse(expiresAt) <= now.getTime()) {
    return { ok: false, reason: "proof_expired", detail: `it was good until ${expiresAt}` };
  }
  return signature
    ? {
        ...{ ok: true, assurance: "signature", nonce, expiresAt },
        ...{ keyId: signature.keyId, value: signature.value },
      }
    : { ok: true, assurance: "api", nonce };
}
