import { resolutionFacts } from "../approvals/proof.ts";
import type { AuditEntry } from "../audit/entry.ts";
import { entriesOf } from "./check-chain.ts";
import type { Contents } from "./contents.ts";
import type { BundledDecision } from "./format.ts";

/** What a person said about an approval or an effect, and what vouches for it. */
export interface Word {
  readonly seq: number;
  readonly at: string;
  readonly by: string;
  /** The approval or the effect. */
  readonly about: string;
  /** Null in entries from before it was written down. */
  readonly assurance: string | null;
  readonly signature: BundledDecision["signature"];
  /** What was signed, without who signs, the nonce and the expiry. */
  readonly facts: Readonly<Record<string, string>>;
}

/** All that was decided about a run's approvals, and how its effects were resolved. */
export function wordsOf(contents: Contents): Word[] {
  const decisions = contents.approvals.flatMap(({ id: approvalId, decisions }) =>
    decisions.map(({ seq, at, by, decision, intentHash, assurance, signature }) => ({
      ...{ seq, at, by, about: approvalId, assurance, signature },
      facts: { approvalId, intentHash, decision },
    })),
  );
  return [...decisions, ...entriesOf(contents).filter(isResolution).map(resolutionOf)];
}

export const isResolution = ({ action }: AuditEntry) => action === "effect.resolved";

function resolutionOf({ seq, subject, actor, recordedAt, payload }: AuditEntry): Word {
  const text = (name: string) => (typeof payload[name] === "string" ? payload[name] : null);
  const keyId = text("signatureKeyId");
  return {
    ...{ seq, at: recordedAt, by: actor, about: subject, assurance: text("assurance") },
    signature:
      keyId === null
        ? null
        : {
            ...{ keyId, nonce: text("nonce") ?? "", value: text("signature") ?? "" },
            expiresAt: text("proofExpiresAt"),
          },
    facts: resolutionFacts({
      ...{ effectId: subject, attempt: Number(payload.attempt) },
      resolution: text("resolution") ?? "",
      externalId: text("namedExternalId") ?? "",
      externalUrl: text("namedExternalUrl") ?? "",
    }),
  };
}
