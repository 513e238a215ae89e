import type { z } from "zod";
import { effectEntry } from "../audit/happened.ts";
import { canonicalJson, sha256 } from "../canonical.ts";
import type { NewAuditEntry } from "../data/audit.server.ts";
import type { Effect } from "../data/effects.server.ts";
import type { effectResolved } from "../events/catalogue/approvals.ts";
import type { Assurance } from "../policy/document.ts";

/** What a person says of an effect whose outcome nobody could find out. */
export type Resolution = z.infer<typeof effectResolved.schema> & { readonly eventId: string };

/** The key of the entry that says that it was done: with one in the chain, this very event was heard before. */
export const resolvedKey = (resolution: Resolution) =>
  keyOf("effect.resolved", namesOf(resolution));

/**
 * The entry that says who resolved an effect, and what proves it: with the effect and its attempt, all that was signed can be
 * checked again.
 */
export function resolvedEntry(
  effect: Effect,
  resolution: Resolution,
  assurance: Assurance,
): NewAuditEntry {
  const { externalId, externalUrl, note, signature } = resolution;
  const named = { namedExternalId: externalId, namedExternalUrl: externalUrl };
  const signed = signature && {
    ...{ signature: signature.value, signatureKeyId: signature.keyId },
    ...{ nonce: signature.nonce, proofExpiresAt: signature.expiresAt },
  };
  const action = "effect.resolved";
  const payload = { ...saidBy(resolution), assurance, ...named, note, ...signed };
  return {
    ...effectEntry(effect, resolution.by, { action, payload }),
    key: resolvedKey(resolution),
  };
}

/** The entry of a resolution that did not count, once for each sending that it can have been about. */
export function refusedEntry(
  effect: Effect,
  resolution: Resolution,
  reason: string,
): NewAuditEntry {
  const payload = { ...saidBy(resolution), reason };
  return {
    ...effectEntry(effect, resolution.by, { action: REFUSED, payload }),
    key: keyOf(REFUSED, [...namesOf(resolution), effect.attempt]),
  };
}

/** The same about what is no effect: it is told of the project, since what the event names may well be something else. */
export function missingEntry(resolution: Resolution, reason: string): NewAuditEntry {
  const { projectId, effectId, by } = resolution;
  return {
    ...{ projectId, actor: by, action: REFUSED, subject: projectId },
    payload: { effectId, ...saidBy(resolution), reason },
    key: keyOf(REFUSED, namesOf(resolution)),
  };
}

const REFUSED = "effect.resolution_refused";

const saidBy = ({ by, resolution, eventId }: Resolution) => ({ by, resolution, eventId });

/** Senders choose the ids of their events: one that says something else, or for somebody else, is another resolution. */
const namesOf = ({ eventId, effectId, resolution, by }: Resolution) => [
  ...[eventId, effectId, resolution, by],
];

const keyOf = (action: string, names: readonly unknown[]) =>
  `${action}:${sha256(canonicalJson(names))}`;
