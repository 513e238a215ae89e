import { type AuditEntry, isOfRun } from "../audit/entry.ts";
import { type ReconstructedRun, reconstructRun } from "../audit/reconstruct.ts";
import { canonicalJson, sha256 } from "../canonical.ts";
import type { BundledEffect, BundledRun, Cut } from "./format.ts";

const ENDS = new Set(["run.succeeded", "run.failed", "run.canceled"]);

/**
 * Where the account of a run's newest end stops: at the entry that says so, with what its transaction wrote after it (a cancel
 * voids approvals and abandons effects). Null when the run's newest entry is no end.
 * @param entries all of the run's, by seq
 */
export function cutOf(runId: string, entries: readonly AuditEntry[]): Cut | null {
  const at = entries.findLastIndex((entry) => isOfRun(runId, entry));
  const end = entries[at];
  if (!end || !ENDS.has(end.action)) return null;
  let last = end;
  for (const entry of entries.slice(at + 1)) {
    if (entry.seq !== last.seq + 1 || entry.recordedAt !== end.recordedAt) break;
    last = entry;
  }
  return { seq: last.seq, hash: last.hash, at: end.recordedAt };
}

/** What the chain alone says of a run: its row as of the cut, but what only a table has. Throws TypeError for no account. */
export function runAccount(
  runId: string,
  entries: readonly AuditEntry[],
  cut: Cut,
): { told: ReconstructedRun; run: Omit<BundledRun, "input"> } {
  const told = reconstructRun(runId, entries);
  const [first] = entries;
  if (!told || !first) throw new TypeError(`no entry asks for the run ${runId}`);
  const { kind, mode, status, attempt, requestedBy, requestedAt } = told.run;
  if (status !== "succeeded" && status !== "failed" && status !== "canceled") {
    throw new TypeError(`the run ${runId} is ${status} at the cut`);
  }
  const { error = null, remediation = null, result = null } = told.run;
  return {
    told,
    run: {
      ...{ id: runId, projectId: first.projectId, kind, mode, status, attempt },
      ...{ requestedBy, requestedAt, endedAt: cut.at, error, remediation, result, cut },
    },
  };
}

/**
 * Whether an input is the one that the run was asked for with, by the hash that the request's entry has of it; true where it has
 * none, as versions before this one wrote it.
 * @param entries the run's, its request first
 */
export function isInputOf(entries: readonly AuditEntry[], input: BundledRun["input"]): boolean {
  const asked = entries[0]?.payload.inputSha256;
  return asked === undefined || asked === sha256(canonicalJson(input));
}

/** An effect as the chain tells it; what it was about, its approval adds. */
export function effectAccount(
  effect: ReconstructedRun["effects"][number],
): Omit<BundledEffect, "intent" | "params"> {
  const { id, stepId, kind, scope, status, attempt, intentHash } = effect;
  const { approvalId = null, externalId = null, externalUrl = null, error = null } = effect;
  return {
    ...{ id, stepId, kind, scope, status, attempt, intentHash },
    ...{ approvalId, externalId, externalUrl, error },
  };
}

/** The ids of artifacts that a run's own entries name: what it published, what was approved, what it came to. */
export function artifactIds(entries: readonly AuditEntry[]): string[] {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value === "string") {
      if (/^art_[0-9a-z]{26}$/.test(value)) found.add(value);
    } else if (value !== null && typeof value === "object") Object.values(value).forEach(walk);
  };
  // Not the whole payload: a note may name any.
  for (const { payload } of entries) {
    walk([payload.artifactId, payload.planArtifactId, payload.result]);
  }
  return [...found].sort();
}
