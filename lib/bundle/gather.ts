import { approvalRule } from "../approvals/rule.ts";
import { auditPublicKey, publicKeys } from "../audit/checkpoint.ts";
import { readCheckpoint } from "../audit/checkpoints.ts";
import type { AuditEntry } from "../audit/entry.ts";
import { lastingInput } from "../audit/happened.ts";
import type { ReconstructedApproval } from "../audit/reconstruct.ts";
import type { Approval, Voice } from "../data/approvals.server.ts";
import { readRunAudit } from "../data/audit.server.ts";
import {
  approvalsById,
  type BundledVersion,
  chainLinks,
  keysById,
  policiesByVersion,
  versionsById,
} from "../data/bundles.server.ts";
import { readRun } from "../data/runs.server.ts";
import { coveredBy } from "../effects/claim.ts";
import { env } from "../env.ts";
import { Conflict } from "../errors.ts";
import { BUILT_IN, policyDocument } from "../policy/document.ts";
import { artifactIds, effectAccount, isInputOf, runAccount } from "./account.ts";
import { chainOf } from "./chain.ts";
import { withIntents } from "./covered.ts";
import type { CutRecord, RunKey } from "./cut.ts";
import type {
  AuditLine,
  BundledApproval,
  BundledDecision,
  BundledEffect,
  BundledKeys,
  BundledPolicy,
  BundledRun,
} from "./format.ts";
import { isResolution } from "./words.ts";

/** All of a run that its bundle is made of, but texts and transcripts. */
export interface Gathered {
  readonly run: BundledRun;
  readonly approvals: readonly BundledApproval[];
  readonly effects: readonly BundledEffect[];
  readonly policies: readonly BundledPolicy[];
  readonly keys: BundledKeys;
  readonly versions: readonly BundledVersion[];
  readonly lines: readonly AuditLine[];
}

/**
 * Reads a run as it was at a cut: what can change is taken from the chain up to there or from the cut's record, all else
 * from rows that never change. Throws Conflict when the database no longer has what the chain tells of.
 */
export async function gather({ projectId, runId }: RunKey, record: CutRecord): Promise<Gathered> {
  const { cut } = record;
  const entries = (await readRunAudit({ projectId, runId })).filter(({ seq }) => seq <= cut.seq);
  if (entries.at(-1)?.hash !== cut.hash) {
    const what = `The chain of ${projectId} is not what it was when ${runId} ended: verify it.`;
    throw new Conflict("bundle_chain_differs", what, { seq: cut.seq });
  }
  const { told, run } = runAccount(runId, entries, cut);
  const input = lastingInput((await readRun({ id: runId })).input);
  if (!isInputOf(entries, input)) {
    const what = `The input of ${runId} is not the one that it was asked for with: its row was changed.`;
    throw new Conflict("bundle_input_differs", what);
  }
  const approvals = await approvalsOf(told.approvals, entries);
  const named = (await versionsById(artifactIds(entries))).filter(
    (version) => version.projectId === projectId,
  );
  const links = (from: number, to: number) => chainLinks({ projectId, from, to });
  return {
    run: { ...run, input },
    approvals,
    effects: await withIntents(told.effects.map(effectAccount)),
    policies: await policiesOf(projectId, approvals),
    keys: await keysOf(projectId, approvals, entries),
    versions: named,
    lines: [...(await checkpointsOf(projectId, record)), ...(await chainOf(entries, links))],
  };
}

async function approvalsOf(
  told: readonly ReconstructedApproval[],
  entries: readonly AuditEntry[],
): Promise<BundledApproval[]> {
  const { approvals, voices } = await approvalsById(told.map(({ id }) => id));
  const rows = new Map(approvals.map((row) => [row.id, row]));
  return told.map((one) => {
    const row = rows.get(one.id);
    if (!row) throw new Conflict("bundle_row_gone", `The approval ${one.id} is not there.`);
    const own = voices.filter(({ approvalId }) => approvalId === one.id);
    return approvalOf(one, row, own, entries);
  });
}

function approvalOf(
  told: ReconstructedApproval,
  row: Approval,
  voices: readonly Voice[],
  entries: readonly AuditEntry[],
): BundledApproval {
  const { id, scope, intentHash, quorum, policyVersion, planArtifactId = null } = told;
  const { requestedAt, expiresAt } = told;
  const { requester, assurance } = approvalRule(row);
  return {
    ...{ id, scope, intentHash, quorum, policyVersion, planArtifactId, requestedAt, expiresAt },
    status: told.status as BundledApproval["status"],
    stepId: row.stepId,
    intentSummary: row.intentSummary,
    requestedBy: row.requestedBy,
    approvers: row.approvers,
    rule: { requester, assurance },
    covers: coveredBy(row).map(({ effectId, kind, intent, params = null }) => ({
      ...{ effectId, kind, intent, params },
    })),
    decisions: told.decisions.map((decision) => decisionOf(decision, voices, entries)),
  };
}

function decisionOf(
  told: ReconstructedApproval["decisions"][number],
  voices: readonly Voice[],
  entries: readonly AuditEntry[],
): BundledDecision {
  const { seq, at, by, intentHash, note = null, signatureKeyId = null } = told;
  const voice = voices.find((one) => one.decidedBy === by && one.decision === told.decision);
  if (!voice) throw new Conflict("bundle_row_gone", `The decision of entry ${seq} is not there.`);
  const payload = entries.find((entry) => entry.seq === seq)?.payload ?? {};
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    ...{ seq, at, by, intentHash, note },
    decision: voice.decision,
    assurance: voice.assurance,
    eventId: text(payload.eventId),
    signature:
      signatureKeyId === null
        ? null
        : {
            keyId: signatureKeyId,
            nonce: voice.nonce ?? "",
            expiresAt: text(payload.proofExpiresAt),
            value: voice.signature ?? "",
          },
  };
}

async function policiesOf(
  projectId: string,
  approvals: readonly BundledApproval[],
): Promise<BundledPolicy[]> {
  const versions = [...new Set(approvals.map(({ policyVersion }) => policyVersion))];
  const published = await policiesByVersion({ projectId, versions });
  return [
    ...(versions.includes(BUILT_IN.version)
      ? [{ ...BUILT_IN, createdBy: null, createdAt: null }]
      : []),
    ...published.map(({ version, document, createdBy, createdAt }) => ({
      ...{ version, createdBy, createdAt: createdAt.toISOString() },
      document: policyDocument.parse(document),
    })),
  ];
}

/** The keys that decisions were signed with, and resolutions. */
async function keysOf(
  projectId: string,
  approvals: readonly BundledApproval[],
  entries: readonly AuditEntry[],
): Promise<BundledKeys> {
  const decided = approvals.flatMap(({ decisions }) =>
    decisions.map(({ signature }) => signature?.keyId),
  );
  const resolved = entries.filter(isResolution).map(({ payload }) => payload.signatureKeyId);
  const ids = [...decided, ...resolved].filter((id) => typeof id === "string");
  const rows = await keysById({ projectId, ids: [...new Set(ids)] });
  return {
    audit: auditKey(),
    approvers: rows.map(({ id: keyId, owner, publicKey }) => ({ keyId, owner, publicKey })),
  };
}

function auditKey(): BundledKeys["audit"] {
  if (!env().AUDIT_SIGNING_KEY) return null;
  for (const [keyId, key] of publicKeys(auditPublicKey())) {
    const der = key.export({ type: "spki", format: "der" });
    return { keyId, publicKey: der.toString("base64url") };
  }
  return null;
}

async function checkpointsOf(projectId: string, { checkpoints }: CutRecord): Promise<AuditLine[]> {
  const lines: AuditLine[] = [];
  for (const seq of checkpoints) {
    const checkpoint = await readCheckpoint(projectId, seq);
    if (!checkpoint) {
      const what = `The checkpoint ${seq} of ${projectId} was removed from the blob store.`;
      throw new Conflict("bundle_checkpoint_gone", what);
    }
    lines.push({ checkpoint });
  }
  return lines;
}
