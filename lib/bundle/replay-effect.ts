import { mayResolve } from "../approvals/judge.ts";
import type { AuditEntry } from "../audit/entry.ts";
import { type EffectState, FOLLOWS, RESULT } from "../effects/machine.ts";
import { ASSURANCE } from "../policy/document.ts";
import type { BundledApproval } from "./format.ts";
import type { Findings } from "./verdict.ts";

/** What was planned: another plan changes it, and what comes to light of an earlier sending brings it back. */
const PLAN = ["stepId", "kind", "scope", "intentHash", "approvalId"] as const;
const FACTS = [...PLAN, "status", "attempt", "externalId", "externalUrl"] as const;

/**
 * Goes through the states of an effect: each must be one that can follow the one before, under the same plan. What is confirmed
 * was sent as that, and nothing is sent after it. Only a person who may approve its plan ends that it is unknown.
 * @param own the effect's entries, by seq
 */
export function replayEffect(
  own: readonly AuditEntry[],
  approvals: ReadonlyMap<string, BundledApproval>,
  findings: Findings,
): void {
  let state: EffectState | null = null;
  let last: AuditEntry | null = null;
  for (const entry of own) {
    const { seq, subject, action, payload } = entry;
    const wrong = (what: string) => findings.wrong(`entry ${seq}: ${subject} ${what}`);
    const to = stateOf(entry);
    // A resolution is written down twice: who said it, then what has come of it.
    const repeats = last?.action === "effect.resolved" && action !== "effect.resolved";
    if (!to || repeats) {
      if (!last || !same(FACTS, last, entry)) wrong(`was not as ${action} says`);
    } else {
      const open: readonly EffectState[] = state ? FOLLOWS[state] : ["planned"];
      if (!open.includes(to)) wrong(`was ${state ?? "not planned"}, and ${action} cannot follow`);
      const calls = Number(last?.payload.attempt ?? 0) + (to === "sent" ? 1 : 0);
      if (payload.attempt !== calls) wrong(`had been sent ${calls} times then`);
      if (to === "confirmed") {
        const made = (one: AuditEntry) => one.seq < seq && one.action === "effect.sent";
        const sent = own.some((one) => made(one) && same(PLAN, one, entry));
        if (!sent) wrong("was confirmed and never sent");
      } else if (last && to !== "planned" && !same(PLAN, last, entry)) {
        wrong("is of another plan than before");
      }
      if ((state === "unknown") !== (action === "effect.resolved")) {
        wrong(`was ${state}, which only a person's word ends`);
      }
      const covering = approvals.get(String(last?.payload.approvalId));
      if (action === "effect.resolved") checkResolver(entry, covering, findings);
      state = to;
    }
    last = entry;
  }
}

/** The state that an entry brings about; null when it tells of one that is. */
function stateOf({ action, payload }: AuditEntry): EffectState | null {
  const { status, resolution } = payload;
  const to = (Object.keys(FOLLOWS) as EffectState[]).find((state) => state === status);
  const leads = ([name, state]: readonly [string, EffectState]) =>
    name === resolution && state === to;
  const named =
    action === `effect.${to}` ||
    (action === "effect.superseded" && to === "planned") ||
    (action === "effect.resolved" && Object.entries(RESULT).some(leads));
  return named ? (to ?? null) : null;
}

/** Who resolves is one of those who may approve the plan, vouched for as they must be. */
function checkResolver(
  { seq, actor, subject, payload }: AuditEntry,
  approval: BundledApproval | undefined,
  findings: Findings,
): void {
  const where = `entry ${seq}: the resolution of ${subject}`;
  if (!approval?.approvers.includes(actor) || payload.by !== actor) {
    findings.wrong(`${where} by ${actor}, who may not approve its plan`);
    return;
  }
  const { requestedBy, approvers, rule } = approval;
  // Which of them it was, and that it led here, is told by the state.
  const resolution = payload.resolution as keyof typeof RESULT;
  if (!mayResolve(resolution, requestedBy, { ...rule, approvers }, actor)) {
    findings.wrong(`${where} by ${actor}, who asked for it`);
  }
  const least = rule.assurance;
  const assurance = ASSURANCE.find((one) => one === payload.assurance);
  if (assurance && ASSURANCE.indexOf(assurance) < ASSURANCE.indexOf(least)) {
    findings.wrong(`${where} came with ${assurance}, and the policy asks for ${least}`);
  }
  if (!assurance && least !== ASSURANCE[0]) {
    findings.unknown(`${where}: it is from before its assurance was written down`);
  }
}

function same(names: readonly string[], a: AuditEntry, b: AuditEntry): boolean {
  return names.every((name) => (a.payload[name] ?? null) === (b.payload[name] ?? null));
}
