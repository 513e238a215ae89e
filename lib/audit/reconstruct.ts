import * as z from "zod";
import { type AuditEntry, isAbout, isOfRun } from "./entry.ts";

/** What an entry says of the state that its subject has come into; a later one replaces it. */
const runFacts = z.object({
  status: z.string(),
  kind: z.string(),
  mode: z.string(),
  attempt: z.int(),
  requestedBy: z.string(),
  error: z.string().nullish(),
  remediation: z.string().nullish(),
  result: z.record(z.string(), z.unknown()).nullish(),
});

const approvalFacts = z.object({
  status: z.string(),
  scope: z.string(),
  intentHash: z.string(),
  policyVersion: z.int(),
  quorum: z.int(),
  planArtifactId: z.string().nullish(),
  expiresAt: z.string(),
  usedBy: z.string().nullish(),
});

const decisionFacts = z.object({
  decision: z.string(),
  by: z.string(),
  assurance: z.string(),
  intentHash: z.string(),
  signatureKeyId: z.string().nullish(),
  note: z.string().nullish(),
});

const refusalFacts = z.object({ decision: z.string(), by: z.string(), reason: z.string() });

const effectFacts = z.object({
  status: z.string(),
  stepId: z.string(),
  kind: z.string(),
  scope: z.string(),
  intentHash: z.string(),
  attempt: z.int(),
  approvalId: z.string().nullish(),
  externalId: z.string().nullish(),
  externalUrl: z.string().nullish(),
  error: z.string().nullish(),
});

interface At {
  readonly seq: number;
  readonly at: string;
}

export interface ReconstructedApproval extends z.infer<typeof approvalFacts> {
  readonly id: string;
  readonly requestedAt: string;
  readonly decisions: readonly (z.infer<typeof decisionFacts> & At)[];
  /** Decisions that were refused, each with its reason. */
  readonly refusals: readonly (z.infer<typeof refusalFacts> & At)[];
}

export interface ReconstructedRun {
  readonly run: z.infer<typeof runFacts> & { readonly id: string; readonly requestedAt: string };
  readonly approvals: readonly ReconstructedApproval[];
  readonly effects: readonly (z.infer<typeof effectFacts> & { readonly id: string })[];
  readonly timeline: readonly (At & Pick<AuditEntry, "actor" | "action" | "subject" | "payload">)[];
}

type Changing<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] };

/**
 * Rebuilds a run from its audit entries alone: how it stands, who decided what, what exists outside. What the live tables
 * say must be the same. Null when the entries do not contain the request for the run.
 * @param entries of one project, by seq; those of other runs are left out
 */
export function reconstructRun(
  runId: string,
  entries: readonly AuditEntry[],
): ReconstructedRun | null {
  let run: ReconstructedRun["run"] | null = null;
  let requestedAt: string | undefined;
  const approvals = new Map<string, Changing<ReconstructedApproval>>();
  const effects = new Map<string, ReconstructedRun["effects"][number]>();
  const subjects = new Set<string>();
  const timeline: ReconstructedRun["timeline"][number][] = [];
  for (const entry of entries) {
    const { seq, recordedAt, actor, action, subject, payload } = entry;
    if (!isAbout(runId, subjects, entry)) continue;
    subjects.add(subject);
    const at = { seq, at: recordedAt };
    timeline.push({ ...at, actor, action, subject, payload });
    const approval = approvals.get(subject);
    if (action === "approval.decision") {
      approval?.decisions.push({ ...decisionFacts.parse(payload), ...at });
    } else if (action === "approval.refused") {
      approval?.refusals.push({ ...refusalFacts.parse(payload), ...at });
    } else if (payload.runId !== runId) {
      // A refusal that is no decision: nothing has come into a new state by it.
    } else if (isOfRun(runId, entry)) {
      requestedAt ??= recordedAt;
      run = { ...runFacts.parse(payload), id: runId, requestedAt };
    } else if (action.startsWith("approval.")) {
      const { decisions = [], refusals = [] } = approval ?? {};
      approvals.set(subject, {
        ...approvalFacts.parse(payload),
        id: subject,
        requestedAt: approval?.requestedAt ?? recordedAt,
        decisions,
        refusals,
      });
    } else if (action.startsWith("effect.")) {
      effects.set(subject, { ...effectFacts.parse(payload), id: subject });
    }
  }
  if (!run) return null;
  return { run, approvals: [...approvals.values()], effects: [...effects.values()], timeline };
}
