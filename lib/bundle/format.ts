import * as z from "zod";
import { checkpointSchema } from "../audit/checkpoint.ts";
import { auditEntrySchema } from "../audit/entry.ts";
import { ASSURANCE, policyDocument } from "../policy/document.ts";

// What the files of a bundle are, for whoever writes and whoever verifies one; nothing here needs a database.

/** Raised when the same run would make other bytes. */
export const FORMAT = 1;

/** A bundle that is larger is neither made nor read, in bytes. */
export const MAX_BUNDLE_BYTES = 256 * 1024 * 1024;
/** All of them, with those that the manifest cannot name. */
export const MAX_BUNDLE_FILES = 5000;

/** Files that every bundle has. */
export const FILES = {
  approvals: "approvals.json",
  artifacts: "artifacts.json",
  audit: "audit.jsonl",
  deployments: "deployments.json",
  effects: "effects.json",
  infra: "infra.json",
  jobs: "jobs.json",
  keys: "keys.json",
  manifest: "manifest.json",
  policy: "policy.json",
  approvalStatement: "provenance/approval.dsse.json",
  slsaStatement: "provenance/slsa.dsse.json",
  run: "run.json",
} as const;

/** The files that the manifest cannot name, because they name it. */
export const UNLISTED: readonly string[] = [
  FILES.manifest,
  FILES.approvalStatement,
  FILES.slsaStatement,
];

const hash = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits");
const seq = z.int().min(1);
const instant = z.iso.datetime({ precision: 3 });
const facts = z.record(z.string(), z.unknown());

export const manifestFile = z.strictObject({
  format: z.literal(FORMAT),
  project: z.string(),
  run: z.string(),
  files: z.array(z.strictObject({ path: z.string(), sha256: hash, bytes: z.int().min(0) })),
  /** Transcripts for which there was no room, or whose blob was gone. */
  omitted: z.array(z.strictObject({ path: z.string(), reason: z.string() })),
});

/** Up to where the bundle's account goes: the entry that ended the run. */
const cut = z.strictObject({ seq, hash, at: instant });

export const runFile = z.strictObject({
  id: z.string(),
  projectId: z.string(),
  kind: z.string(),
  mode: z.string(),
  status: z.enum(["succeeded", "failed", "canceled"]),
  attempt: z.int().min(1),
  requestedBy: z.string(),
  requestedAt: instant,
  endedAt: instant,
  /** Without its budget, which each attempt may bring anew. */
  input: facts,
  error: z.string().nullable(),
  remediation: z.string().nullable(),
  result: facts.nullable(),
  cut,
});

const cover = z.strictObject({
  effectId: z.string(),
  kind: z.string(),
  intent: facts,
  params: facts.nullable(),
});

const decision = z.strictObject({
  seq,
  at: instant,
  decision: z.enum(["granted", "denied", "revoked"]),
  by: z.string(),
  assurance: z.enum(ASSURANCE),
  intentHash: hash,
  eventId: z.string().nullable(),
  note: z.string().nullable(),
  signature: z
    .strictObject({
      keyId: z.string(),
      nonce: z.string(),
      /** Until when the signature was good, which is signed too; null when the record does not say it. */
      expiresAt: z.string().nullable(),
      value: z.string(),
    })
    .nullable(),
});

const approval = z.strictObject({
  id: z.string(),
  stepId: z.string().nullable(),
  scope: z.string(),
  status: z.enum(["pending", "granted", "denied", "revoked", "expired", "superseded", "used"]),
  intentSummary: z.string(),
  intentHash: hash,
  quorum: z.int().min(1),
  requestedBy: z.string(),
  approvers: z.array(z.string()),
  policyVersion: z.int().min(0),
  rule: z.strictObject({
    requester: z.enum(["never", "unless_alone", "always"]),
    assurance: z.enum(ASSURANCE),
  }),
  planArtifactId: z.string().nullable(),
  requestedAt: instant,
  expiresAt: instant,
  covers: z.array(cover),
  decisions: z.array(decision),
});
export const approvalsFile = z.array(approval);

const effect = z.strictObject({
  id: z.string(),
  stepId: z.string(),
  kind: z.string(),
  scope: z.string(),
  status: z.string(),
  attempt: z.int().min(0),
  intentHash: hash,
  approvalId: z.string().nullable(),
  externalId: z.string().nullable(),
  externalUrl: z.string().nullable(),
  error: z.string().nullable(),
  /** As its approval covers it; null when none does. */
  intent: facts.nullable(),
  params: facts.nullable(),
});
export const effectsFile = z.array(effect);

export const policyFile = z.array(
  z.strictObject({
    /** 0 is the built-in one. */
    version: z.int().min(0),
    document: policyDocument,
    createdBy: z.string().nullable(),
    createdAt: instant.nullable(),
  }),
);

export const keysFile = z.strictObject({
  /** What signs the statements and checkpoints; SPKI DER in base64url. */
  audit: z.strictObject({ keyId: z.string(), publicKey: z.string() }).nullable(),
  approvers: z.array(
    z.strictObject({ keyId: z.string(), owner: z.string(), publicKey: z.string() }),
  ),
});

export const artifactsFile = z.array(
  z.strictObject({
    id: z.string(),
    runId: z.string().nullable(),
    kind: z.string(),
    key: z.string(),
    version: z.int().min(1),
    sha256: hash,
    path: z.string(),
    citations: z.string().nullable(),
  }),
);

const stub = z.strictObject({ seq, prevHash: hash, hash });
/** A long stretch of entries of others: from the first's `prevHash` to the last's `hash`. */
const gap = z.strictObject({ from: seq, to: seq, prevHash: hash, hash });

export const auditLine = z.union([
  z.strictObject({ checkpoint: checkpointSchema }),
  z.strictObject({ entry: auditEntrySchema }),
  z.strictObject({ stub }),
  z.strictObject({ gap }),
]);

export const jobsFile = z.array(
  z.looseObject({ id: z.string(), status: z.string(), transcript: z.string().nullable() }),
);
export const deploymentsFile = z.array(z.looseObject({ id: z.string() }));
export const infraFile = z.array(z.looseObject({ id: z.string() }));

export type BundledRun = z.infer<typeof runFile>;
export type BundledApproval = z.infer<typeof approval>;
export type BundledDecision = z.infer<typeof decision>;
export type BundledEffect = z.infer<typeof effect>;
export type BundledPolicy = z.infer<typeof policyFile>[number];
export type BundledKeys = z.infer<typeof keysFile>;
export type BundledArtifact = z.infer<typeof artifactsFile>[number];
export type AuditLine = z.infer<typeof auditLine>;
export type Manifest = z.infer<typeof manifestFile>;
export type Cut = z.infer<typeof cut>;

/** Of ASCII paths: there, code units and code points are the same. */
export function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : Number(a.path > b.path);
}
