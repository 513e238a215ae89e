import { type ApprovalState, judge } from "../approvals/judge.ts";
import type { AuditEntry } from "../audit/entry.ts";
import type { BundledApproval } from "./format.ts";
import { type Findings, WRITING_MS } from "./verdict.ts";

/** Which states may follow which: what was denied or taken back, or is over, stays so and is asked for anew. */
const FOLLOWS: Readonly<Record<ApprovalState, readonly ApprovalState[]>> = {
  pending: ["granted", "denied", "revoked", "expired", "superseded"],
  granted: ["revoked", "expired", "superseded", "used"],
  denied: [],
  revoked: [],
  expired: [],
  superseded: [],
  used: [],
};

/** The states that a person brings about. */
const DECIDED: readonly ApprovalState[] = ["granted", "denied", "revoked"];

/**
 * Goes through the states of an approval: each must be one that can follow the one before. A decision is judged again in
 * the state of its moment, and what it came to must be the next that is told.
 * @param own the approval's entries, by seq
 */
export function replayApproval(
  approval: BundledApproval,
  own: readonly AuditEntry[],
  findings: Findings,
): void {
  const { id, decisions } = approval;
  let status: ApprovalState | null = null;
  /** What the last decision came to, as long as no entry has said so. */
  let due: ApprovalState | null = null;
  for (const { seq, action, payload } of own) {
    if (action === "approval.refused") continue;
    const where = `entry ${seq}: ${id}`;
    if (due && action !== `approval.${due}`) findings.wrong(`${where} had been ${due}`);
    if (action === "approval.decision") {
      const at = decisions.findIndex((one) => one.seq === seq);
      due = status && judged(approval, status, at, findings);
      continue;
    }
    const to = stateOf(action, payload);
    const open: readonly ApprovalState[] = status
      ? FOLLOWS[status]
      : [payload.by === `policy:${approval.policyVersion}` ? "granted" : "pending"];
    if (!to || !open.includes(to)) {
      findings.wrong(`${where} was ${status ?? "not asked for"}, and ${action} cannot follow`);
    } else if (status && DECIDED.includes(to) && due !== to) {
      findings.wrong(`approvals.json: ${id} was ${to} without the decisions that it takes`);
    }
    status = to;
    due = null;
  }
  if (due) findings.wrong(`approvals.json: ${id} was ${due}, and no entry says so`);
}

/** The state that an entry tells of; null when it is not named after it. */
function stateOf(action: string, { status }: AuditEntry["payload"]): ApprovalState | null {
  const states = Object.keys(FOLLOWS) as ApprovalState[];
  const found = states.find((state) => state === status);
  return action === `approval.${found === "pending" ? "requested" : found}`
    ? (found ?? null)
    : null;
}

/** What the decision at this place comes to; null when it changes nothing yet, or could not be made. */
function judged(
  { id, intentHash, requestedBy, quorum, approvers, rule, decisions, ...rest }: BundledApproval,
  status: ApprovalState,
  at: number,
  findings: Findings,
): ApprovalState | null {
  const heard = decisions.slice(0, at + 1).map((one) => ({
    ...{ decision: one.decision, decidedBy: one.by, eventId: one.eventId ?? `entry ${one.seq}` },
  }));
  const [voice] = heard.splice(-1);
  const decision = decisions[at];
  // That an entry tells of a decision which is not in the list, the account says.
  if (!decision || !voice) return null;
  const { seq, by, decision: kind, assurance, intentHash: seen } = decision;
  const expiresAt = new Date(rest.expiresAt);
  const verdict = judge({
    approval: { status, intentHash, requestedBy, expiresAt, quorum },
    rule: { ...rule, approvers },
    voices: heard,
    decision: { kind, by, intentHash: seen, assurance, nonceUsed: false, eventId: voice.eventId },
    now: judgedAt(new Date(decision.at), expiresAt),
  });
  if (!verdict.accepted) {
    findings.wrong(`entry ${seq}: ${by} could not have ${kind} ${id}: ${verdict.detail}`);
    return null;
  }
  const { outcome } = verdict;
  return outcome === "counted" || outcome === "repeated" ? null : outcome;
}

/** When a decision was judged at the latest: before the entry about it was written, which may have waited for others. */
function judgedAt(written: Date, expiresAt: Date): Date {
  const late = written.getTime() - expiresAt.getTime();
  return late >= 0 && late <= WRITING_MS ? new Date(expiresAt.getTime() - 1) : written;
}
