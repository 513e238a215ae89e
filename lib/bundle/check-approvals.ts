import { planHash } from "../effects/intent.ts";
import { entriesOf } from "./check-chain.ts";
import type { Contents } from "./contents.ts";
import { replayApproval } from "./replay-approval.ts";
import { type Check, Findings } from "./verdict.ts";

/**
 * Every approval is of exactly the intents that it lists; each decision is judged again, as it was when it came, by the
 * product's own judge: who may, the requester, the quorum, the expiry, the assurance. Its states are those that
 * these decisions lead to, one after the other: what is used was granted, and nothing has come between.
 */
export function checkApprovals(contents: Contents): Check {
  const findings = new Findings();
  const entries = entriesOf(contents);
  const { run, approvals } = contents;
  for (const approval of approvals) {
    const { id, covers, intentHash } = approval;
    if (planHash(covers) !== intentHash) {
      findings.wrong(`approvals.json: ${id} is not of the intents that it lists`);
    }
    if (approval.requestedBy !== run.requestedBy) {
      findings.wrong(`approvals.json: ${id} was asked for by another than the run`);
    }
    const own = entries.filter(({ subject }) => subject === id);
    replayApproval(approval, own, findings);
    const nonces = approval.decisions.flatMap(({ by, signature }) =>
      signature ? JSON.stringify([by, signature.nonce]) : [],
    );
    if (new Set(nonces).size < nonces.length) findings.wrong(`${id}: a signature counts twice`);
    for (const { action, payload, seq } of own) {
      if (
        action === "approval.used" &&
        !covers.some(({ effectId }) => effectId === payload.usedBy)
      ) {
        findings.wrong(`entry ${seq}: ${id} was used by an effect that it does not cover`);
      }
    }
  }
  return findings.as("approvals", `${approvals.length} approvals, each decision as it had to be`);
}
