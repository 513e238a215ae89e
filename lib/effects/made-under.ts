import * as z from "zod";
import { readApproval } from "../data/approvals.server.ts";
import type { Effect, moveEffect } from "../data/effects.server.ts";
import { sentEntries } from "../data/recorded.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import { coveredBy } from "./claim.ts";
import type { External, Found } from "./definition.ts";
import { intentHash } from "./intent.ts";

type Change = NonNullable<Parameters<typeof moveEffect>[0]["set"]>;

/** What a row is to say of an object that was found, and what the audit entry says besides. */
export interface Finding {
  readonly set: Change;
  readonly payload: Readonly<Record<string, unknown>>;
}

const sending = z.object({
  attempt: z.int(),
  kind: z.string(),
  intentHash: z.string(),
  approvalId: z.string(),
});
type Sending = z.infer<typeof sending>;

/**
 * What to record of an object that a look has found. An effect can be planned anew after it was sent, and an object of the
 * earlier sending come to light then: it was made under the intent and the approval of that time, so the row goes back to
 * those, and the entry says what it was planned as instead. Which sending it was, the object tells, where the other
 * system shows what it was made as; otherwise there must have been one intent only. Where neither tells, the row stays
 * and the entry lists all that it can have been.
 * @param effect the row before the look; what was sent after it was read cannot have made the object.
 */
export async function findingOf(effect: Effect, found: Found, tx: Tx): Promise<Finding> {
  const payload = { found: true };
  const set = externalOf(found);
  const { id: effectId, projectId, attempt } = effect;
  const entries = await sentEntries({ projectId, effectId }, tx);
  const sent = entries.map((one) => sending.parse(one)).filter((one) => one.attempt <= attempt);
  const hashes = [...new Set(sent.map((one) => one.intentHash))];
  const { intent } = found;
  if (!intent && hashes.length > 1) return { set, payload: { ...payload, madeUnderOneOf: hashes } };
  const made = sent.findLast(
    ({ kind, intentHash: hash }) => !intent || intentHash({ kind, intent }) === hash,
  );
  // Ours by its marker, and like nothing that was sent: somebody has changed it since.
  if (!made) return { set, payload: { ...payload, changedOutside: true } };
  if (made.intentHash === effect.intentHash) return { set, payload };
  const { intentHash: hash, approvalId } = effect;
  return {
    set: { ...set, ...(await asSent(effect, made, tx)) },
    payload: {
      ...payload,
      madeBySending: made.attempt,
      insteadOf: { intentHash: hash, approvalId },
    },
  };
}

/** The same of what a call of ours has just made, which can differ from what was asked for: not all systems let a call say all of it. */
export function asMade(
  { kind, intentHash: approved }: Effect,
  { intent, ...external }: Found,
): Finding {
  const differs = intent !== undefined && intentHash({ kind, intent }) !== approved;
  return { set: externalOf(external), payload: differs ? { changedOutside: true } : {} };
}

/** Where an object is. */
export function externalOf({ id, url }: External): Change {
  return { externalId: id, externalUrl: url ?? null };
}

/** The effect as it was planned when it was sent so: the approval of that time keeps it. */
async function asSent(effect: Effect, made: Sending, tx: Tx): Promise<Change> {
  const approval = await readApproval({ id: made.approvalId }, tx);
  const was = coveredBy(approval).find(({ effectId }) => effectId === effect.id);
  if (!was) throw new Error(`the approval ${approval.id} does not cover the effect ${effect.id}`);
  const { kind, intent, params = effect.params } = was;
  const { approvalId, intentHash: hash } = made;
  return { kind, scope: approval.scope, intent, intentHash: hash, params, approvalId };
}
