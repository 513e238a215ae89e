import { ASSURANCE, type Assurance, type Rule } from "../policy/document.ts";

export type DecisionKind = "granted" | "denied" | "revoked";
export type ApprovalState =
  | "pending"
  | "granted"
  | "denied"
  | "revoked"
  | "expired"
  | "superseded"
  | "used";

/** Why a decision was refused; the audit entry names it. */
export type Refusal =
  | "wrong_hash"
  | "expired"
  | "not_an_approver"
  | "requester_may_not_approve"
  | "assurance_too_low"
  | "nonce_replayed"
  | "already_decided"
  | "already_used"
  | "not_pending";

export interface Case {
  readonly approval: {
    readonly status: ApprovalState;
    readonly intentHash: string;
    readonly requestedBy: string;
    readonly expiresAt: Date;
    readonly quorum: number;
  };
  readonly rule: Pick<Rule, "requester" | "assurance"> & { readonly approvers: readonly string[] };
  /** Decisions on this approval that were accepted before. */
  readonly voices: readonly { decision: DecisionKind; decidedBy: string; eventId: string | null }[];
  readonly decision: {
    readonly kind: DecisionKind;
    readonly by: string;
    readonly intentHash: string;
    readonly eventId: string;
    readonly assurance: Assurance;
    /** Whether the nonce of its proof was in a decision that was accepted before. */
    readonly nonceUsed: boolean;
  };
  readonly now: Date;
}

/** `counted`: the quorum is not met yet. `repeated`: this very event was heard before; nothing is to be done. */
export type Verdict =
  | { accepted: true; outcome: "counted" | "granted" | "denied" | "revoked" | "repeated" }
  | { accepted: false; reason: Refusal; detail: string };

/**
 * Judges one decision. Pure: the caller holds the approval's lock and writes what this says.
 *
 * Choices where DESIGN section 5 leaves one: a denial by any approver, or by the requester (a withdrawal), is final. A
 * granted approval cannot be denied any more, only revoked; a used one neither, since its plan has begun: cancel the run.
 * Each person speaks once: a second decision by the same person is refused, except a revocation after a grant.
 */
export function judge({ approval, rule, voices, decision, now }: Case): Verdict {
  const { by, kind } = decision;
  if (heardBefore(voices, decision)) {
    return { accepted: true, outcome: "repeated" };
  }
  if (decision.intentHash !== approval.intentHash) {
    return refuse("wrong_hash", `what is to be approved has the hash ${approval.intentHash}`);
  }
  if (decision.nonceUsed) return refuse("nonce_replayed", "this proof was used before");
  if (ASSURANCE.indexOf(decision.assurance) < ASSURANCE.indexOf(rule.assurance)) {
    return refuse(
      "assurance_too_low",
      `the policy asks for ${rule.assurance}, this came with ${decision.assurance}`,
    );
  }
  const requester = by === approval.requestedBy;
  if (!rule.approvers.includes(by) && !(requester && kind !== "granted")) {
    return refuse("not_an_approver", `${by} is not among those who may decide`);
  }
  if (kind === "granted" && !mayGrant(approval, rule, by)) {
    return refuse("requester_may_not_approve", `${by} asked for it: another person must approve`);
  }
  if (voices.some((voice) => voice.decidedBy === by && voice.decision === kind)) {
    return refuse("already_decided", `${by} has ${kind} it before, and counts once`);
  }
  if (approval.status === "used") {
    return refuse("already_used", "its plan has begun: cancel the run instead");
  }
  const open = kind === "revoked" ? ["pending", "granted"] : ["pending"];
  if (!open.includes(approval.status)) {
    const hint = approval.status === "granted" ? ": revoke it instead" : "";
    return refuse("not_pending", `it is ${approval.status} already${hint}`);
  }
  if (approval.expiresAt.getTime() <= now.getTime()) {
    return refuse("expired", `it expired at ${approval.expiresAt.toISOString()}`);
  }
  if (kind !== "granted") return { accepted: true, outcome: kind };
  const granted = new Set(
    voices.flatMap((voice) => (voice.decision === "granted" ? voice.decidedBy : [])),
  );
  return {
    accepted: true,
    outcome: granted.add(by).size >= approval.quorum ? "granted" : "counted",
  };
}

/**
 * Whether this very decision was accepted before: the same event, delivered again. Senders choose the ids of their events,
 * so one that says something else, or for somebody else, is another decision.
 */
export function heardBefore(
  voices: Case["voices"],
  { eventId, by, kind }: { eventId: string; by: string; kind: DecisionKind },
): boolean {
  return voices.some(
    (voice) => voice.eventId === eventId && voice.decidedBy === by && voice.decision === kind,
  );
}

/** Whether the policy lets an approver be one of `quorum` voices for what `requestedBy` asked for. */
export function mayGrant(
  { quorum, requestedBy }: Pick<Case["approval"], "quorum" | "requestedBy">,
  rule: Pick<Case["rule"], "requester" | "approvers">,
  by: string,
): boolean {
  if (by !== requestedBy || rule.requester === "always") return true;
  if (rule.requester === "never") return false;
  const others = rule.approvers.some((name) => name !== by);
  return !others || quorum > 1;
}

/**
 * Whether an approver alone may say what becomes of an effect that was approved and that nobody knows of: to have it done again
 * or to name what it made is to approve, to end it is to deny.
 */
export function mayResolve(
  resolution: "adopt" | "resend" | "abandon",
  requestedBy: string,
  rule: Pick<Case["rule"], "requester" | "approvers">,
  by: string,
): boolean {
  return resolution === "abandon" || mayGrant({ quorum: 1, requestedBy }, rule, by);
}

function refuse(reason: Refusal, detail: string): Verdict {
  return { accepted: false, reason, detail };
}
