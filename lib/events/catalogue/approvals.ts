import { eventType } from "inngest";
import * as z from "zod";
import { actor, id, note, sha256, timestamp } from "./fields.ts";

/** A decision is bound to exactly what was shown: `intentHash` is the hash in `approval.requested`. */
const decision = z.strictObject({
  projectId: id,
  approvalId: id,
  intentHash: sha256,
  by: actor,
  /** Ed25519, base64url, over the canonical decision; demanded by some policies. */
  signature: z.string().max(512).optional(),
  note: note.optional(),
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

/** The approval is decided for good. An event only wakes: whoever hears this reads the row. */
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
  }),
});
