import { eventType } from "inngest";
import * as z from "zod";
import {
  actor,
  externalId,
  HARMLESS,
  harmless,
  id,
  note,
  sha256,
  timestamp,
  url,
} from "./fields.ts";

const base64url = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, "base64url");

const proof = {
  /** Fresh for every decision: each counts once. */
  nonce: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, "16 to 64 characters of base64url"),
  /** The proof is good until then. */
  expiresAt: timestamp,
  value: base64url,
};

/**
 * What vouches for `by`. `signature`: Ed25519 by a key that is registered for this person, over the canonical JSON of the
 * decision (docs/approvals.md says which fields). `edge`: the seal of our own HTTP edge; nobody else can make one.
 */
const proofs = {
  signature: z.strictObject({ keyId: z.string().regex(/^[0-9a-f]{32}$/), ...proof }).optional(),
  edge: z.strictObject(proof).optional(),
};

/** A signature that the audit chain alone keeps: redacted, it could not be checked again. Made anew, it is another. */
const kept = proofs.signature.unwrap().extend({
  nonce: proof.nonce.refine(harmless, HARMLESS),
  value: proof.value.refine(harmless, HARMLESS),
});

/** What says so in an event. No secrets: each is good once, for what it stands beside. */
export const PROOFS: ReadonlySet<string> = new Set(Object.keys(proofs));

/** A decision is bound to exactly what was shown: `intentHash` is the hash in `approval.requested`. */
const decision = z.strictObject({
  projectId: id,
  approvalId: id,
  intentHash: sha256,
  by: actor,
  note: note.optional(),
  ...proofs,
});

export const approvalGranted = eventType("approval.granted", { schema: decision });
export const approvalDenied = eventType("approval.denied", { schema: decision });
export const approvalRevoked = eventType("approval.revoked", { schema: decision });

/** A person has to decide before `expiresAt`; the plan artifact shows what would be done. */
export const approvalRequested = eventType("approval.requested", {
  schema: z.strictObject({
    projectId: id,
    runId: id,
    approvalId: id,
    scope: z.string(),
    intentSummary: z.string(),
    intentHash: sha256,
    expiresAt: timestamp,
    planArtifactId: id,
  }),
});

/**
 * The approval is decided for good. An event only wakes: whoever hears this reads the row. That one was superseded can go
 * unsaid: its run was canceled, which has an event of its own, or asks for another.
 */
export const approvalSettled = eventType("approval.settled", {
  schema: z.strictObject({
    projectId: id,
    runId: id,
    approvalId: id,
    intentHash: sha256,
    outcome: z.enum(["granted", "denied", "revoked", "expired", "superseded"]),
  }),
});

/** What a person decided about an effect whose outcome could not be found out. */
export const effectResolved = eventType("effect.resolved", {
  schema: z.strictObject({
    projectId: id,
    effectId: id,
    resolution: z.enum(["adopt", "resend", "abandon"]),
    by: actor,
    note: note.optional(),
    /** With `adopt`, what it became outside, when it cannot be found by its marker. */
    externalId: externalId.optional(),
    externalUrl: url.refine(harmless, HARMLESS).optional(),
    ...proofs,
    signature: kept.optional(),
  }),
});

/** A resolution was heard and done: the effect is no longer unknown. An event only wakes: whoever hears this reads the row. */
export const effectSettled = eventType("effect.settled", {
  schema: z.strictObject({
    projectId: id,
    runId: id,
    effectId: id,
    outcome: z.enum(["confirmed", "approved", "abandoned"]),
  }),
});
