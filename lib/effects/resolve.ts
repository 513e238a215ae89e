import type { z } from "zod";
import { prove } from "../approvals/assurance.ts";
import { resolutionFacts } from "../approvals/proof.ts";
import { approvalRule } from "../approvals/rule.ts";
import { effectEntry } from "../audit/happened.ts";
import { canonicalJson, sha256 } from "../canonical.ts";
import { lockApproval, nonceUsed } from "../data/approvals.server.ts";
import { appendAudits } from "../data/audit.server.ts";
import { type Effect, lockEffect, moveEffect, readEffect } from "../data/effects.server.ts";
import { projectExists } from "../data/projects.server.ts";
import { findAudit } from "../data/recorded.server.ts";
import { readRun } from "../data/runs.server.ts";
import { type Tx, transaction } from "../data/transaction.server.ts";
import { NotFound, Unavailable } from "../errors.ts";
import type { effectResolved } from "../events/catalogue/approvals.ts";
import { ASSURANCE, type Assurance } from "../policy/document.ts";
import { confirmEffect } from "./confirm.ts";
import type { Found } from "./definition.ts";
import { externalOf, findingOf } from "./made-under.ts";
import { definitionOf } from "./registry.ts";

export type Resolution = z.infer<typeof effectResolved.schema> & { readonly eventId: string };

/** How it came out. `settled` is there when the effect stands as it was resolved, also by a repeat. */
export interface Resolved {
  readonly accepted: boolean;
  readonly reason?: string;
  readonly settled?: {
    runId: string;
    outcome: "confirmed" | "approved" | "abandoned";
    /** How often it was sent before. */
    attempt: number;
  };
}

/** The state that each resolution leads to. */
const RESULT = { adopt: "confirmed", resend: "approved", abandon: "abandoned" } as const;

/**
 * Does what a person decided about an effect whose outcome nobody could find out: `adopt` takes the external object that
 * its marker finds, or the one that the person names; `resend` lets it be claimed again; `abandon` ends it. Who may say
 * so is who may approve its plan, with the same assurance, also when it was said before. A refused one changes nothing
 * and is recorded, in the chain of the effect's project, or else of the one that the event names.
 */
export async function resolveEffect(resolution: Resolution): Promise<Resolved> {
  const effect = await readOrNull(resolution.effectId);
  if (!effect) return await refuseMissing(resolution);
  // Outside of the transaction, which holds locks: the other system may take its time.
  const external = await adopted(effect, resolution);
  return await transaction(async (tx) => {
    const verdict = await judge(effect, resolution, external, tx);
    const { by, eventId } = resolution;
    const said = { by, resolution: resolution.resolution, eventId };
    if ("refused" in verdict) {
      const reason = verdict.refused;
      const entry = effectEntry(verdict.effect, by, {
        action: "effect.resolution_refused",
        payload: { ...said, reason },
      });
      const key = keyOf(entry.action, [...namesOf(resolution), verdict.effect.attempt]);
      await appendAudits([{ ...entry, key }], tx);
      return { accepted: false, reason };
    }
    const to = RESULT[resolution.resolution];
    if ("repeated" in verdict) return { accepted: true, ...settledAs(verdict.effect, to) };
    const { set, payload } = external
      ? await findingOrNamed(verdict.effect, external, tx)
      : { set: {}, payload: {} };
    const move = { id: effect.id, from: ["unknown"] as const, set };
    const moved =
      to === "confirmed"
        ? await confirmEffect({ ...move, named: external?.named ?? false }, tx)
        : await moveEffect({ ...move, to }, tx);
    if (!moved) throw new Error(`the effect ${effect.id} moved under its lock`);
    const resolved = effectEntry(moved, by, {
      action: "effect.resolved",
      payload: { ...said, ...vouchedFor(resolution, verdict.assurance) },
    });
    const key = keyOf(resolved.action, namesOf(resolution));
    await appendAudits([{ ...resolved, key }, effectEntry(moved, by, { payload })], tx);
    return { accepted: true, ...settledAs(moved, to) };
  });
}

/** Whether an effect is resolved and its run still waits for that, so that nobody heard of it. */
export async function unheard(effectId: string): Promise<boolean> {
  const { status, runId } = await readEffect({ id: effectId });
  return status !== "unknown" && (await readRun({ id: runId })).status === "waiting_external";
}

interface Adopted extends Found {
  /** Named by the person; otherwise its marker found it. */
  readonly named: boolean;
}

async function adopted(effect: Effect, resolution: Resolution): Promise<Adopted | null> {
  if (resolution.resolution !== "adopt" || effect.status !== "unknown") return null;
  const definition = definitionOf(effect.kind);
  const { marker, params } = effect;
  const signal = AbortSignal.timeout(definition.timeoutMs());
  const { externalId: id, externalUrl: url } = resolution;
  try {
    const found = await definition.find({ marker, params, signal });
    if (found) return { ...found, named: false };
  } catch (error) {
    // What the person names is enough when the other system cannot be asked.
    if (id === undefined) throw error;
  }
  return id === undefined ? null : { id, url, named: true };
}

async function findingOrNamed(effect: Effect, external: Adopted, tx: Tx) {
  if (!external.named) return await findingOf(effect, external, tx);
  return { set: externalOf(external), payload: { named: true } };
}

type Verdict = { readonly effect: Effect } & (
  | { readonly refused: string }
  | { readonly repeated: true }
  | { readonly assurance: Assurance }
);

/** Whether the resolution counts, why not, or that it is what was done before. Takes the locks. */
async function judge(
  seen: Effect,
  resolution: Resolution,
  external: Adopted | null,
  tx: Tx,
): Promise<Verdict> {
  const { by, effectId } = resolution;
  const covering = seen.approvalId ? await lockApproval({ id: seen.approvalId }, tx) : null;
  const { effect } = await lockEffect({ id: effectId }, tx);
  // Planned anew since it was read: who may say so is another question then.
  if (effect.approvalId !== seen.approvalId) {
    throw new Unavailable("effect_changed", "The effect was planned anew at the same time.");
  }
  const { projectId } = effect;
  const refuse = (refused: string): Verdict => ({ effect, refused });
  if (projectId !== resolution.projectId) return refuse("other_project");
  // Heard before: a proof that was good then need not be good any more.
  const key = keyOf("effect.resolved", namesOf(resolution));
  const heard = await findAudit({ projectId, key }, tx);
  // Unknown all the same: it was sent again since. An event that comes late was not said about that.
  if (heard && effect.status === "unknown") return refuse("event_id_used");
  if (heard) return { effect, repeated: true };
  if (!covering) return refuse("no_approval");
  const rule = approvalRule(covering.approval);
  if (!rule.approvers.includes(by)) return refuse("not_an_approver");
  const repeated = effect.status === RESULT[resolution.resolution];
  if (effect.status !== "unknown" && !repeated) return refuse("not_unknown");
  const facts = resolutionFacts({ ...resolution, attempt: effect.attempt });
  const proofs = { signature: resolution.signature, edge: resolution.edge };
  const proved = await prove({ projectId, by, facts, proofs, now: covering.now }, tx);
  if (!proved.ok) return refuse(proved.reason);
  if (proved.nonce && (await nonceUsed({ decidedBy: by, nonce: proved.nonce }, tx))) {
    return refuse("nonce_replayed");
  }
  if (ASSURANCE.indexOf(proved.assurance) < ASSURANCE.indexOf(rule.assurance)) {
    return refuse("assurance_too_low");
  }
  const nothing = resolution.resolution === "adopt" && !repeated && !external;
  if (nothing) return refuse("nothing_to_adopt");
  return repeated ? { effect, repeated } : { effect, assurance: proved.assurance };
}

/** What proves that a person said so: with the effect and its attempt, all that was signed can be checked again. */
function vouchedFor(
  { externalId, externalUrl, note, signature }: Resolution,
  assurance: Assurance,
): Record<string, unknown> {
  const said = { assurance, namedExternalId: externalId, namedExternalUrl: externalUrl, note };
  if (!signature) return said;
  const { keyId, nonce, expiresAt, value } = signature;
  return { ...said, signature: value, signatureKeyId: keyId, nonce, proofExpiresAt: expiresAt };
}

/**
 * A chain is begun by a project that exists: nobody can start one by naming what is not there. It is told of the project,
 * since what the event names may well be something, only no effect.
 */
async function refuseMissing(resolution: Resolution): Promise<Resolved> {
  const { projectId, effectId, by, eventId } = resolution;
  const reason = "no_such_effect";
  await transaction(async (tx) => {
    if (!(await projectExists({ id: projectId }, tx))) return;
    const entry = {
      ...{ projectId, actor: by, action: "effect.resolution_refused", subject: projectId },
      payload: { effectId, by, resolution: resolution.resolution, reason, eventId },
    };
    const key = keyOf(entry.action, namesOf(resolution));
    await appendAudits([{ ...entry, key }], tx);
  });
  return { accepted: false, reason };
}

/** Nothing to be woken for when it has gone on since. */
function settledAs(
  { status, runId, attempt }: Effect,
  outcome: (typeof RESULT)[keyof typeof RESULT],
): Pick<Resolved, "settled"> {
  return status === outcome ? { settled: { runId, outcome, attempt } } : {};
}

/** Senders choose the ids of their events: one that says something else, or for somebody else, is another resolution. */
const namesOf = ({ eventId, effectId, resolution, by }: Resolution) => [
  ...[eventId, effectId, resolution, by],
];

const keyOf = (action: string, names: readonly unknown[]) =>
  `${action}:${sha256(canonicalJson(names))}`;

async function readOrNull(id: string): Promise<Effect | null> {
  try {
    return await readEffect({ id });
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}
