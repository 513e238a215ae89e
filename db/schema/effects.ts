import { sql } from "drizzle-orm";
import {
  check,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { createdAt, id, instant, updatedAt } from "./columns.ts";
import { projects } from "./projects.ts";
import { artifacts, runs } from "./runs.ts";

// Below, project_id cascades, and the other references have no action: a run, approval or plan that an effect hangs
// on is evidence and cannot be removed from under it, only together with the whole project. What must outlive the
// project is in audit_entries, which references nothing.

export const approvalStatus = pgEnum("approval_status", [
  "pending",
  "granted",
  "denied",
  "revoked",
  "expired",
  "superseded",
  "used",
]);

export const approvals = pgTable(
  "approvals",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    runId: text("run_id")
      .notNull()
      .references(() => runs.id),
    stepId: text("step_id"),
    scope: text("scope").notNull(),
    intentSummary: text("intent_summary").notNull(),
    /** SHA-256 of the canonical JSON of the intents that are approved. */
    intentHash: text("intent_hash").notNull(),
    status: approvalStatus("status").notNull().default("pending"),
    /** How many different people must grant it; the decisions are rows of their own. */
    quorum: integer("quorum").notNull().default(1),
    requestedBy: text("requested_by").notNull(),
    /** Who may decide, as the policy said when it was requested. */
    approvers: text("approvers").array().notNull().default([]),
    /** 0 is the built-in default. */
    policyVersion: integer("policy_version").notNull(),
    planArtifactId: text("plan_artifact_id").references(() => artifacts.id),
    expiresAt: instant("expires_at").notNull(),
    approvedAt: instant("approved_at"),
    /** Who completed the quorum. */
    approvedBy: text("approved_by"),
    settledAt: instant("settled_at"),
    usedAt: instant("used_at"),
    metadata: jsonb("metadata").$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("approvals_run_scope_idx").on(t.runId, t.scope),
    index("approvals_list_idx").on(t.projectId, t.createdAt, t.id),
    // For lists of one state, which may be rare among very many.
    index("approvals_status_idx").on(t.projectId, t.status, t.createdAt, t.id),
    // For an approver of very many; the next one is for those of few.
    index("approvals_created_idx").on(t.createdAt, t.id),
    index("approvals_approvers_idx").using("gin", t.approvers),
    index("approvals_plan_idx").on(t.planArtifactId),
    index("approvals_expiry_idx").on(t.expiresAt).where(sql`${t.status} in ('pending', 'granted')`),
    // One live approval per plan: asking again is a conflict, and a new intent must supersede the old one first.
    uniqueIndex("approvals_live_key")
      .on(t.runId, t.scope, sql`coalesce(${t.stepId}, '')`)
      .where(sql`${t.status} in ('pending', 'granted')`),
    check("approvals_scope_check", sql`${t.scope} ~ '^[a-z][a-z_]*([.][a-z][a-z_]*)+$'`),
    check("approvals_intent_hash_check", sql`${t.intentHash} ~ '^[0-9a-f]{64}$'`),
    check("approvals_quorum_check", sql`${t.quorum} > 0`),
    check(
      "approvals_approved_check",
      sql`${t.status} not in ('granted', 'used') or (${t.approvedAt} is not null and ${t.approvedBy} is not null)`,
    ),
    check("approvals_used_check", sql`(${t.status} = 'used') = (${t.usedAt} is not null)`),
  ],
);

export const decisionKind = pgEnum("decision_kind", ["granted", "denied", "revoked"]);
/** What vouches for who decided: the event key, our authenticated edge, or the approver's own key. */
export const assurance = pgEnum("assurance", ["event", "api", "signature"]);

export const approvalDecisions = pgTable(
  "approval_decisions",
  {
    id: id(),
    approvalId: text("approval_id")
      .notNull()
      .references(() => approvals.id, { onDelete: "cascade" }),
    decision: decisionKind("decision").notNull(),
    decidedBy: text("decided_by").notNull(),
    assurance: assurance("assurance").notNull(),
    /** What the decider saw, which must be what is approved. */
    intentHash: text("intent_hash").notNull(),
    signature: text("signature"),
    signatureKeyId: text("signature_key_id"),
    /** Of the signature or of the edge's seal: each counts once. */
    nonce: text("nonce"),
    note: text("note"),
    eventId: text("event_id"),
    decidedAt: instant("decided_at").notNull().defaultNow(),
  },
  (t) => [
    // One voice each: the same person granting twice does not make a quorum.
    unique("approval_decisions_voice_key").on(t.approvalId, t.decidedBy, t.decision),
    unique("approval_decisions_nonce_key").on(t.decidedBy, t.nonce),
    check(
      "approval_decisions_signature_check",
      sql`(${t.assurance} = 'signature') = (${t.signature} is not null and ${t.signatureKeyId} is not null)`,
    ),
  ],
);

/** Who may sign, with which key. Only public keys are here; a revoked one stays, for what it signed before. */
export const approverKeys = pgTable(
  "approver_keys",
  {
    /** Fingerprint: the first 32 hex digits of SHA-256 over the key's SPKI DER. */
    id: text("id").notNull(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    /** The `by` whose decisions it signs. */
    owner: text("owner").notNull(),
    /** SPKI DER of an Ed25519 key, base64url. */
    publicKey: text("public_key").notNull(),
    createdBy: text("created_by").notNull(),
    createdAt: createdAt(),
    revokedAt: instant("revoked_at"),
  },
  (t) => [
    primaryKey({ name: "approver_keys_pkey", columns: [t.projectId, t.id] }),
    index("approver_keys_owner_idx").on(t.projectId, t.owner),
  ],
);

export const effectStatus = pgEnum("effect_status", [
  "planned",
  "approved",
  "claimed",
  "sent",
  "confirmed",
  "failed",
  "unknown",
  "abandoned",
]);

export const effects = pgTable(
  "effects",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    runId: text("run_id")
      .notNull()
      .references(() => runs.id),
    stepId: text("step_id").notNull(),
    kind: text("kind").notNull(),
    scope: text("scope").notNull(),
    status: effectStatus("status").notNull().default("planned"),
    intentHash: text("intent_hash").notNull(),
    /** The fields that make it this change, exactly as they were hashed. A definition puts no secret into them. */
    intent: jsonb("intent").$type<Record<string, unknown>>().notNull(),
    /** Place in the plan that the approval covers: the hash is over the intents in this order. */
    position: integer("position").notNull().default(0),
    /** Redacted: what is needed to see what was meant, never a secret. */
    params: jsonb("params").$type<Record<string, unknown>>().notNull(),
    /** Travels inside the external object, so that it can be looked for before anything is repeated. */
    marker: text("marker").notNull(),
    approvalId: text("approval_id").references(() => approvals.id),
    claimToken: text("claim_token"),
    leaseExpiresAt: instant("lease_expires_at"),
    attempt: integer("attempt").notNull().default(0),
    externalId: text("external_id"),
    externalUrl: text("external_url"),
    error: text("error"),
    plannedAt: instant("planned_at").notNull().defaultNow(),
    claimedAt: instant("claimed_at"),
    sentAt: instant("sent_at"),
    confirmedAt: instant("confirmed_at"),
    /** When it was last looked whether it is still there. */
    checkedAt: instant("checked_at"),
    updatedAt: updatedAt(),
  },
  (t) => [
    unique("effects_step_key").on(t.runId, t.stepId),
    unique("effects_marker_key").on(t.marker),
    index("effects_project_idx").on(t.projectId, t.plannedAt, t.id),
    index("effects_approval_idx").on(t.approvalId, t.position),
    index("effects_lease_idx").on(t.leaseExpiresAt).where(sql`${t.status} in ('claimed', 'sent')`),
    index("effects_checked_idx")
      .on(t.checkedAt.asc().nullsFirst())
      .where(sql`${t.status} = 'confirmed'`),
    // What is at one project at Vercel: two projects of ours may deploy to the same.
    index("effects_target_idx")
      .on(sql`(${t.params}->>'project')`)
      .where(sql`(${t.params}->>'project') is not null`),
    check("effects_intent_hash_check", sql`${t.intentHash} ~ '^[0-9a-f]{64}$'`),
    check(
      "effects_claim_check",
      sql`${t.status} not in ('claimed', 'sent') or (${t.claimToken} is not null and ${t.leaseExpiresAt} is not null)`,
    ),
    check(
      "effects_sent_check",
      sql`${t.status} not in ('sent', 'unknown') or ${t.sentAt} is not null`,
    ),
    check(
      "effects_confirmed_check",
      sql`(${t.status} = 'confirmed') = (${t.confirmedAt} is not null)
        and (${t.status} <> 'confirmed' or ${t.externalId} is not null)`,
    ),
  ],
);

/** What confirmed effects and the outside no longer agree on; nothing is repaired by it. */
export const findings = pgTable(
  "findings",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    effectId: text("effect_id")
      .notNull()
      .references(() => effects.id, { onDelete: "cascade" }),
    /** What differs, for people. Redacted. */
    detail: text("detail").notNull(),
    createdAt: createdAt(),
    lastSeenAt: instant("last_seen_at").notNull().defaultNow(),
    /** When it was seen to agree again. */
    goneAt: instant("gone_at"),
  },
  (t) => [
    uniqueIndex("findings_open_key").on(t.effectId).where(sql`${t.goneAt} is null`),
    // For the end of its effect: the key above knows the open ones alone.
    index("findings_effect_idx").on(t.effectId),
    index("findings_project_idx").on(t.projectId, t.createdAt, t.id),
  ],
);
