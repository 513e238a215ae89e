import { approvalEntry, effectEntry } from "../audit/happened.ts";
import {
  type Approval,
  type ApprovalStatus,
  insertApproval,
  liveApproval,
  moveApproval,
  validApprovals,
} from "../data/approvals.server.ts";
import { publishArtifact } from "../data/artifacts.server.ts";
import { appendAudits, type NewAuditEntry } from "../data/audit.server.ts";
import { type Effect, insertEffect, lockEffectsOfRun, moveEffect } from "../data/effects.server.ts";
import { readProject } from "../data/projects.server.ts";
import { lockRun, type Run } from "../data/runs.server.ts";
import { type Tx, transaction } from "../data/transaction.server.ts";
import { Conflict } from "../errors.ts";
import { newId } from "../ids.ts";
import { applyPolicy } from "../policy/policy.ts";
import { requireLive } from "../runs/states.ts";
import { planHash } from "./intent.ts";
import { before } from "./machine.ts";
import { documentOf } from "./plan-document.ts";
import { type Intended, intend, summaryOf, type Wish } from "./wish.ts";

const ACTOR = "countersign";

/** A plan of effects with one scope, for one decision. */
export interface PlanRequest {
  readonly runId: string;
  /** Names the plan within its run: asking again for the same is a repeat, with other wishes a new plan in its place. */
  readonly stepId: string;
  readonly wishes: readonly Wish[];
}

/** A wish, and the effect that is or will be its row. */
interface Wished extends Intended {
  readonly effectId: string;
}

/** What came of planning. */
export interface Planned {
  /** The approval to wait for; null when everything that is left has one already, or nothing is left. */
  readonly approval: Approval | null;
  /** What is to be brought about, in the order of the wishes: all of them that are not confirmed. */
  readonly effects: readonly { effectId: string; stepId: string }[];
}

/**
 * Plans effects and asks for the approval that covers them, in one transaction: effects and approval rows, the plan as an
 * artifact, audit entries. Asking again for the same plan finds the same approval. Other intents supersede what was
 * planned and void its approval. Effects that are done, under way, or approved with the same intent are left alone.
 *
 * Throws Conflict when the run is over, an effect that may exist outside already would be changed, or the policy can
 * never be satisfied; InvalidInput for an empty, too large or mixed plan; ZodError for params that their kind refuses.
 */
export async function planEffects(request: PlanRequest): Promise<Planned> {
  const intended = intend(request.wishes);
  return await transaction(async (tx) => {
    const run = requireLive(await lockRun({ id: request.runId }, tx), request.runId);
    const { scope } = intended[0];
    const live = await liveApproval({ runId: run.id, scope, stepId: request.stepId }, tx);
    const valid = await validApprovals({ runId: run.id }, tx);
    const rows = new Map((await lockEffectsOfRun({ runId: run.id }, tx)).map((e) => [e.stepId, e]));
    const wished = intended.map((wish): Wished => {
      return { ...wish, effectId: rows.get(wish.stepId)?.id ?? newId("effect") };
    });
    const openUnder = (approvals: ReadonlyMap<string, ApprovalStatus>) =>
      wished.filter((wish) => isOpen(wish, rows.get(wish.stepId), approvals));

    const audit: NewAuditEntry[] = [];
    let approval = live && !isStale(live, intended, rows, openUnder(valid)) ? live : null;
    if (live && !approval) {
      audit.push(...(await supersede(live, intended, [...rows.values()], tx)));
      valid.delete(live.id);
    }
    const open = openUnder(valid);
    if (open.length > 0) {
      approval = await requestApproval({ run, stepId: request.stepId, open, rows }, tx);
      for (const wish of open) {
        audit.push(...(await planOne(wish, rows.get(wish.stepId), { run, approval }, tx)));
      }
      const by = approval.status === "granted" ? { by: approval.approvedBy } : {};
      audit.push(approvalEntry(approval, ACTOR, by));
    }
    await appendAudits(audit, tx);
    // Not by their positions: what keeps its approval has that of an earlier plan.
    const left = wished.filter(({ stepId }) => rows.get(stepId)?.status !== "confirmed");
    return { approval, effects: left.map(({ effectId, stepId }) => ({ effectId, stepId })) };
  });
}

/** Whether a wish needs an approval. Throws Conflict when what may exist outside would get another intent. */
function isOpen(
  wish: Intended,
  row: Effect | undefined,
  valid: ReadonlyMap<string, ApprovalStatus>,
): boolean {
  if (!row || row.status === "failed" || row.status === "abandoned") return true;
  const same = row.intentHash === wish.intentHash;
  const approval = valid.get(row.approvalId ?? "");
  // Planned under an approval that was granted already: it came back from a call that did nothing, and needs another.
  if (row.status === "planned") return !(same && approval === "pending");
  if (row.status === "approved") return !(same && approval !== undefined);
  // A claim that was never sent does nothing without an approval that still holds.
  if (row.status === "claimed" && same) return approval === undefined;
  if (same) return false;
  // A claim that was not sent is no change yet: taking it away from its holder makes its next write fail.
  if (row.status === "claimed") return true;
  throw new Conflict(
    row.status === "confirmed" ? "effect_already_done" : "effect_in_flight",
    `The effect ${row.id} is ${row.status} with other parameters: what was done is not changed by a new plan.`,
    { effectId: row.id, status: row.status },
  );
}

/** Whether an approval no longer shows what is to be decided: something is not in it, or something is no longer wished. */
function isStale(
  live: Approval,
  intended: readonly Intended[],
  rows: ReadonlyMap<string, Effect>,
  open: readonly Intended[],
): boolean {
  const wished = new Set(intended.map(({ stepId }) => stepId));
  const covered = [...rows.values()].filter(({ approvalId }) => approvalId === live.id);
  return open.length > 0 || covered.some(({ stepId }) => !wished.has(stepId));
}

/** Voids an approval whose plan is no longer wished; what it covered and nobody wishes any more is abandoned. */
async function supersede(
  live: Approval,
  intended: readonly Intended[],
  rows: readonly Effect[],
  tx: Tx,
): Promise<NewAuditEntry[]> {
  const voided = await moveApproval(
    { id: live.id, from: ["pending", "granted"], to: "superseded" },
    tx,
  );
  const entries = voided ? [approvalEntry(voided, ACTOR)] : [];
  const wished = new Set(intended.map(({ stepId }) => stepId));
  for (const row of rows) {
    if (row.approvalId !== live.id || wished.has(row.stepId)) continue;
    const move = { id: row.id, from: ["planned", "approved"] as const, to: "abandoned" as const };
    const gone = await moveEffect(move, tx);
    if (gone) entries.push(effectEntry(gone, ACTOR));
  }
  return entries;
}

async function requestApproval(
  plan: {
    run: Run;
    stepId: string;
    open: readonly Wished[];
    rows: ReadonlyMap<string, Effect>;
  },
  tx: Tx,
): Promise<Approval> {
  const { run, stepId, open, rows } = plan;
  const { id: runId, projectId, requestedBy } = run;
  const { ownerUserId: owner } = await readProject({ id: projectId }, tx);
  const [{ scope }] = open as [Wished];
  const rule = await applyPolicy({ projectId, owner, scope, requestedBy }, tx);
  const hash = planHash(open);
  const { artifact } = await publishArtifact(
    {
      ...{ projectId, runId },
      kind: "PLAN",
      logicalKey: `${runId}/${stepId}`,
      content: await documentOf({ scope, intentHash: hash, changes: changes(open, rows) }, tx),
      metadata: { scope, intentHash: hash },
    },
    tx,
  );
  return await insertApproval(
    {
      ...{ projectId, runId, stepId, scope, requestedBy },
      intentSummary: summaryOf(open),
      intentHash: hash,
      status: rule.automatic ? "granted" : "pending",
      approvedBy: rule.automatic ? `policy:${rule.policyVersion}` : null,
      quorum: rule.approvals,
      approvers: rule.approvers,
      policyVersion: rule.policyVersion,
      planArtifactId: artifact.id,
      expiresInMinutes: rule.expiresInMinutes,
      metadata: {
        rule: { requester: rule.requester, assurance: rule.assurance },
        covers: open.map(({ effectId, kind, intent, params }) => ({
          ...{ effectId, kind, intent, params },
        })),
      },
    },
    tx,
  );
}

/** Writes one effect of a plan, new or in place of what was planned for its step. */
async function planOne(
  wish: Wished,
  row: Effect | undefined,
  plan: { run: Run; approval: Approval },
  tx: Tx,
): Promise<NewAuditEntry[]> {
  const { run, approval } = plan;
  const { effectId: id, kind, scope, intent, intentHash: hash, params, position, stepId } = wish;
  const content = { kind, scope, intent, intentHash: hash, params, position };
  if (!row)
    await insertEffect({ id, projectId: run.projectId, runId: run.id, stepId, ...content }, tx);
  const set = { ...content, approvalId: approval.id, error: null };
  const planned = await moveEffect({ id, from: before("planned"), to: "planned", set }, tx);
  if (!planned) throw new Conflict("effect_in_flight", `The effect ${id} has begun meanwhile.`);
  const superseded = row && row.intentHash !== hash;
  const was = superseded ? { supersedes: row.intentHash } : {};
  const entries = [
    effectEntry(planned, ACTOR, superseded ? { action: "effect.superseded", payload: was } : {}),
  ];
  if (approval.status === "granted") {
    const approved = await moveEffect({ id, from: ["planned"], to: "approved" }, tx);
    if (approved) entries.push(effectEntry(approved, ACTOR));
  }
  return entries;
}

function changes(open: readonly Intended[], rows: ReadonlyMap<string, Effect>) {
  return open.map(({ stepId, kind, summary, intent, intentHash: hash, exhibit }) => {
    const row = rows.get(stepId);
    return {
      kind,
      summary,
      intent,
      exhibit,
      before: row && row.intentHash !== hash ? row.intent : undefined,
    };
  });
}
