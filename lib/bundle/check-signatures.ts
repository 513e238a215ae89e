import { keyId, signatureHolds } from "../approvals/proof.ts";
import { errorMessage } from "../errors.ts";
import type { Contents } from "./contents.ts";
import { type Check, Findings, WRITING_MS } from "./verdict.ts";

/** Decisions that say that they were signed were, by the key of whoever decided, over exactly this decision, and in time. */
export function checkSignatures({ approvals, keys }: Contents): Check {
  const findings = new Findings();
  let signed = 0;
  for (const { id: approvalId, decisions } of approvals) {
    for (const { seq, at, by, decision, intentHash, assurance, signature } of decisions) {
      const name = `entry ${seq}: the signature of ${by} on ${approvalId}`;
      if ((assurance === "signature") !== (signature !== null)) {
        findings.wrong(`${name} and its assurance do not fit`);
      }
      if (!signature) continue;
      signed++;
      const key = keys.approvers.find((one) => one.keyId === signature.keyId);
      if (!key || key.owner !== by) {
        findings.wrong(`${name} is of a key that keys.json does not have for them`);
        continue;
      }
      const { nonce, expiresAt, value } = signature;
      if (expiresAt === null) {
        findings.unknown(`${name}: the record does not say until when it was good`);
        continue;
      }
      if (!(Date.parse(expiresAt) > Date.parse(at) - WRITING_MS)) {
        findings.wrong(`${name} was good until ${expiresAt}, and came later`);
      }
      const problem = keyProblem(
        key,
        { approvalId, intentHash, decision, by, nonce, expiresAt },
        value,
      );
      if (problem) findings.wrong(`${name} ${problem}`);
    }
  }
  if (signed === 0) findings.unknown("no decision was signed by its approver");
  return findings.as("signatures", `${signed} decisions are signed by whoever made them`);
}

function keyProblem(
  { keyId: id, publicKey }: Contents["keys"]["approvers"][number],
  statement: Parameters<typeof signatureHolds>[0],
  value: string,
): string | null {
  try {
    if (keyId(publicKey) !== id) return "is of a key that is not what its id says";
    return signatureHolds(statement, value, publicKey) ? null : "does not hold";
  } catch (error) {
    return `cannot be checked: ${errorMessage(error)}`;
  }
}
