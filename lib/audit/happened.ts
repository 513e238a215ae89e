import { canonicalJson, sha256 } from "../canonical.ts";
import type { Approval } from "../data/approvals.server.ts";
import type { Artifact } from "../data/artifacts.server.ts";
import type { NewAuditEntry } from "../data/audit.server.ts";
import type { Effect } from "../data/effects.server.ts";
import type { Run } from "../data/runs.server.ts";

/** Another name for what happened than that of the new state, and what else is to be known about it. */
interface EntryDetails {
  readonly action?: string;
  readonly payload?: Record<string, unknown>;
}

/** The audit entry of an effect that has come into a new state: named after it, with all that an auditor asks for. */
export function effectEntry(effect: Effect, actor: string, more: EntryDetails = {}): NewAuditEntry {
  const { projectId, id, runId, stepId, kind, scope, status, intentHash } = effect;
  const { approvalId, attempt, externalId, externalUrl, error } = effect;
  const facts = { approvalId, externalId, externalUrl, error };
  const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== null));
  return {
    projectId,
    actor,
    action: more.action ?? `effect.${status}`,
    subject: id,
    payload: {
      ...{ runId, effectId: id, stepId, kind, scope, status, intentHash, attempt },
      ...known,
      ...more.payload,
    },
  };
}

/** The audit entry of an approval that has come into a new state. */
export function approvalEntry(
  approval: Approval,
  actor: string,
  payload: Record<string, unknown> = {},
): NewAuditEntry {
  const { projectId, id, runId, scope, status, intentHash, policyVersion, quorum } = approval;
  return {
    projectId,
    actor,
    action: `approval.${status === "pending" ? "requested" : status}`,
    subject: id,
    payload: {
      ...{ runId, approvalId: id, scope, status, intentHash, policyVersion, quorum },
      planArtifactId: approval.planArtifactId,
      expiresAt: approval.expiresAt.toISOString(),
      ...payload,
    },
  };
}

/** The audit entry of a run that has come into a new state. */
export function runEntry(run: Run, actor: string, more: EntryDetails = {}): NewAuditEntry {
  const { projectId, id, kind, mode, status, attempt, requestedBy } = run;
  return {
    projectId,
    actor,
    action: more.action ?? `run.${status}`,
    subject: id,
    payload: { runId: id, kind, mode, status, attempt, requestedBy, ...more.payload },
  };
}

/** What a run is to do, from its request on: its input without its budget, which each attempt may bring anew. */
export function lastingInput({ budget: _, ...input }: Run["input"]): Run["input"] {
  return input;
}

/** The audit entry of the request for a run: whoever has its input can show that it is the one. */
export function requestEntry(run: Run): NewAuditEntry {
  const payload = { inputSha256: sha256(canonicalJson(lastingInput(run.input))) };
  return runEntry(run, run.requestedBy, { action: "run.requested", payload });
}

/** The audit entry of a new version of an artifact: whoever has its text can show that it is the one. */
export function artifactEntry(artifact: Artifact, citations: number): NewAuditEntry {
  const { projectId, id, runId, kind, logicalKey, version, contentSha256 } = artifact;
  return {
    projectId,
    actor: "countersign",
    action: "artifact.published",
    subject: id,
    payload: { runId, artifactId: id, kind, logicalKey, version, contentSha256, citations },
  };
}
