import type { z } from "zod";
import { approvalEntry, effectEntry } from "../audit/happened.ts";
import { canonicalJson, sha256 } from "../canonical.ts";
import {
  type Approval,
  insertVoice,
  listVoices,
  lockApproval,
  moveApproval,
  nonceUsed,
} from "../data/approvals.server.ts";
import { appendAudits, type NewAuditEntry } from "../data/audit.server.ts";
import { effectsOfApproval } from "../data/effect-lists.server.ts";
import { moveEffect } from "../data/effects.server.ts";
import { projectExists } from "../data/projects.server.ts";
import { type Tx, transaction } from "../data/transaction.server.ts";
import { Unavailable } from "../errors.ts";
import type { approvalGranted } from "../events/catalogue/approvals.ts";
import { log } from "../log.ts";
import { prove } from "./assurance.ts";
import { type DecisionKind, heardBefore, judge } from "./judge.ts";
import { approvalRule } from "./rule.ts";

/** A decision as its event says it. */
export type Decision = z.infer<typeof approvalGranted.schema> & {
  readonly kind: DecisionKind;
  /** Of the event that brought it: the same one again is no second decision. */
  readonly eventId: string;
};

/** How it came out. `settled` is there when the approval has come into a final or granted state, also by a repeat. */
export interface Decided {
  readonly accepted: boolean;
  readonly reason?: string;
  readonly settled?: { runId: string; outcome: "granted" | "denied" | "revoked" };
}

/**
 * Checks a decision and records it, or refuses it and records that: in one transaction, with the approval locked, so
 * that of two decisions at once the first settles it. A refused one changes nothing but the audit chain, of the project
 * that the approval belongs to, or else of the one that the event names.
 */
export async function decide(decision: Decision): Promise<Decided> {
  return await transaction(async (tx) => {
    const locked = await lockApproval({ id: decision.approvalId }, tx);
    if (!locked) {
      // What is no approval may well be something else, of which this says nothing: it is told of the project.
      const { projectId } = decision;
      const reason = "no_such_approval";
      return await refuse(decision, { projectId, subject: projectId, reason, detail: "" }, tx);
    }
    const { approval, now } = locked;
    const { projectId } = approval;
    const refused = async ({ reason, detail }: Pick<Refused, "reason" | "detail">) =>
      await refuse(decision, { projectId, subject: approval.id, reason, detail }, tx);
    if (projectId !== decision.projectId) {
      const detail = `sent for ${decision.projectId}`;
      return await refused({ reason: "other_project", detail });
    }
    const { approvalId, intentHash, kind, by, eventId } = decision;
    const voices = await listVoices({ approvalId }, tx);
    // Heard before: a proof that was good then need not be good any more.
    if (heardBefore(voices, decision)) {
      return { accepted: true, ...settledAs(approval) };
    }
    const facts = { approvalId, intentHash, decision: kind };
    const proofs = { signature: decision.signature, edge: decision.edge };
    const proved = await prove({ projectId, by, facts, proofs, now }, tx);
    if (!proved.ok) return await refused(proved);
    const { assurance, nonce } = proved;
    const used = nonce !== undefined && (await nonceUsed({ decidedBy: by, nonce }, tx));
    const verdict = judge({
      approval,
      rule: approvalRule(approval),
      voices,
      decision: { kind, by, intentHash, eventId, assurance, nonceUsed: used },
      now,
    });
    if (!verdict.accepted) return await refused(verdict);
    if (verdict.outcome === "repeated") return { accepted: true, ...settledAs(approval) };
    const voice = await insertVoice(
      {
        ...{ approvalId, decision: kind, decidedBy: by, assurance, intentHash, eventId },
        signature: proved.value ?? null,
        signatureKeyId: proved.keyId ?? null,
        nonce: nonce ?? null,
        note: decision.note ?? null,
      },
      tx,
    );
    // The same proof in another decision at this very moment: the next try sees that one, and refuses.
    if (!voice)
      throw new Unavailable("decision_conflict", "Another decision came at the same time.");
    const keyId =
      proved.keyId === undefined
        ? {}
        : { signatureKeyId: proved.keyId, proofExpiresAt: proved.expiresAt };
    const note = decision.note === undefined ? {} : { note: decision.note };
    const entries: NewAuditEntry[] = [
      {
        ...{ projectId, actor: by, action: "approval.decision", subject: approvalId },
        payload: {
          ...{ runId: approval.runId, approvalId, decision: kind, by, assurance, intentHash },
          ...{ eventId, ...keyId, ...note },
        },
      },
    ];
    if (verdict.outcome === "counted") {
      await appendAudits(entries, tx);
      return { accepted: true };
    }
    const settled = await settle(approval, verdict.outcome, by, tx);
    await appendAudits([...entries, ...settled.entries], tx);
    return { accepted: true, ...settledAs(settled.approval) };
  });
}

/** Moves an approval to its new state, and the effects that it covers with it. */
export async function settle(
  approval: Approval,
  to: "granted" | "denied" | "revoked" | "expired" | "superseded",
  by: string,
  tx: Tx,
): Promise<{ approval: Approval; entries: NewAuditEntry[] }> {
  const moved = await moveApproval(
    { id: approval.id, from: ["pending", "granted"], to, approvedBy: by },
    tx,
  );
  if (!moved) throw new Error(`the approval ${approval.id} moved under its lock`);
  const entries = [approvalEntry(moved, by, { by })];
  const [from, next] =
    to === "granted" ? (["planned", "approved"] as const) : (["approved", "planned"] as const);
  for (const { id } of await effectsOfApproval({ approvalId: approval.id }, tx)) {
    const effect = await moveEffect({ id, from: [from], to: next }, tx);
    if (effect) entries.push(effectEntry(effect, by));
  }
  return { approval: moved, entries };
}

function settledAs({ runId, status }: Approval): Pick<Decided, "settled"> {
  if (status === "used") return { settled: { runId, outcome: "granted" } };
  if (status === "granted" || status === "denied" || status === "revoked") {
    return { settled: { runId, outcome: status } };
  }
  return {};
}

/** A refusal, with the project whose chain it goes into and what it is told of there. */
interface Refused {
  readonly projectId: string;
  readonly subject: string;
  readonly reason: string;
  readonly detail: string;
}

async function refuse(decision: Decision, refused: Refused, tx: Tx): Promise<Decided> {
  const { approvalId, kind, by, eventId, intentHash } = decision;
  const { projectId, subject, reason, detail } = refused;
  const said = { approvalId, decision: kind, by };
  log.warn("decision refused", { ...said, projectId, reason, eventId });
  // A chain is begun by a project that exists: nobody can start one by naming what is not there.
  if (await projectExists({ id: projectId }, tx)) {
    const entry = {
      ...{ projectId, actor: by, action: "approval.refused", subject },
      payload: { ...said, reason, detail, eventId, intentHash },
      // Senders choose the ids of their events: what says something else, or for somebody else, is refused once more.
      key: `approval.refused:${sha256(canonicalJson([eventId, approvalId, kind, by]))}`,
    };
    await appendAudits([entry], tx);
  }
  return { accepted: false, reason };
}
