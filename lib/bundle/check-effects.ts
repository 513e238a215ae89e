import type { AuditEntry } from "../audit/entry.ts";
import type { Json } from "../effects/definition.ts";
import { intentHash, planHash } from "../effects/intent.ts";
import { leaseMs } from "../effects/machine.ts";
import { MAX_CALL_SECONDS } from "../env.ts";
import { entriesOf } from "./check-chain.ts";
import type { Contents } from "./contents.ts";
import type { BundledApproval } from "./format.ts";
import { replayEffect } from "./replay-effect.ts";
import { type Check, Findings, WRITING_MS } from "./verdict.ts";

/**
 * The intent that the params of a kind make, or why that is not known: `unknown_kind` to this version, or `refused` as params
 * of it.
 */
export type IntentOf = (kind: string, params: Json) => Json | "unknown_kind" | "refused";

/** How long after its claim an effect may be sent, in ms. */
const LONGEST_LEASE_MS = leaseMs({ timeoutMs: () => MAX_CALL_SECONDS * 1000 });

/**
 * Everything that was sent had an approval of exactly that: granted before, used by its plan, not expired, of the same intent
 * hash, which its params make still. Each effect's states follow one another as they can.
 */
export function checkEffects(contents: Contents, intentOf: IntentOf): Check {
  const findings = new Findings();
  const entries = entriesOf(contents);
  const approvals = new Map(contents.approvals.map((approval) => [approval.id, approval]));
  let sent = 0;
  for (const entry of entries) {
    if (entry.action === "effect.sent") {
      sent++;
      checkSent(entry, approvals, entries, findings);
      checkTime(entry, approvals, WRITING_MS + LONGEST_LEASE_MS, findings);
    }
    if (entry.action === "effect.claimed") checkTime(entry, approvals, WRITING_MS, findings);
  }
  // What is no effect may have been resolved too, which was refused and stands under the project.
  const told = entries.filter(
    ({ action, subject }) => action.startsWith("effect.") && subject !== contents.run.projectId,
  );
  for (const own of Map.groupBy(told, ({ subject }) => subject).values()) {
    replayEffect(own, approvals, findings);
  }
  for (const { id, covers } of contents.approvals) {
    for (const { effectId, kind, intent, params } of covers) {
      const where = `approvals.json: ${effectId} in ${id}`;
      if (params === null) {
        findings.unknown(`${where} has no params: its approval is from before they were kept`);
        continue;
      }
      const made = intentOf(kind, params);
      if (made === "unknown_kind") findings.unknown(`${where} is of a kind that is not known here`);
      else if (made === "refused") findings.wrong(`${where}: ${kind} does not have such params`);
      else if (intentHash({ kind, intent: made }) !== intentHash({ kind, intent })) {
        findings.wrong(`${where}: its params are not what was approved`);
      }
    }
  }
  for (const { id, kind, intent, intentHash: hash, params, approvalId } of contents.effects) {
    if (intent && intentHash({ kind, intent }) !== hash) {
      findings.wrong(`effects.json: the intent of ${id} does not have its hash`);
    }
    const cover = approvals.get(approvalId ?? "")?.covers.find((one) => one.effectId === id);
    if (JSON.stringify(cover?.params ?? null) !== JSON.stringify(params)) {
      findings.wrong(`effects.json: the params of ${id} are not those that were approved`);
    }
  }
  return findings.as("effects", `${sent} sendings, each of what was approved before`);
}

function checkSent(
  { seq, subject, payload }: AuditEntry,
  approvals: ReadonlyMap<string, BundledApproval>,
  entries: readonly AuditEntry[],
  findings: Findings,
): void {
  const where = `entry ${seq}: ${subject} was sent`;
  const approval = approvals.get(String(payload.approvalId));
  if (!approval) {
    findings.wrong(`${where} without an approval`);
    return;
  }
  const cover = approval.covers.find(({ effectId }) => effectId === subject);
  if (!cover || intentHash(cover) !== payload.intentHash) {
    findings.wrong(`${where}, and ${approval.id} does not cover that`);
    return;
  }
  if (planHash(approval.covers) !== approval.intentHash) {
    findings.wrong(`${where} under ${approval.id}, which is not of the intents that it lists`);
  }
  const before = (action: string) =>
    entries.some((one) => one.subject === approval.id && one.action === action && one.seq < seq);
  if (!before("approval.granted")) findings.wrong(`${where} before ${approval.id} was granted`);
  if (!before("approval.used")) findings.wrong(`${where} before ${approval.id} was used`);
}

/** Claimed or sent while the approval was good, or no later than that can be written down. */
function checkTime(
  { seq, action, subject, payload, recordedAt }: AuditEntry,
  approvals: ReadonlyMap<string, BundledApproval>,
  graceMs: number,
  findings: Findings,
): void {
  const approval = approvals.get(String(payload.approvalId));
  if (!approval) {
    findings.wrong(`entry ${seq}: ${action} of ${subject} without an approval`);
  } else if (Date.parse(recordedAt) > Date.parse(approval.expiresAt) + graceMs) {
    findings.wrong(`entry ${seq}: ${action} of ${subject} after ${approval.id} had expired`);
  }
}
