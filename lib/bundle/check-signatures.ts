import { keyId, signatureHolds } from "../approvals/proof.ts";
import { errorMessage } from "../errors.ts";
import type { Contents } from "./contents.ts";
import { type Check, Findings, WRITING_MS } from "./verdict.ts";
import { type Word, wordsOf } from "./words.ts";

/** What says that it was signed was, by the key of whoever said it, over exactly this decision or resolution, and in time. */
export function checkSignatures(contents: Contents): Check {
  const findings = new Findings();
  const signed = wordsOf(contents).filter((word) => isSigned(word, findings));
  for (const { seq, at, by, about, facts, signature } of signed) {
    const name = nameOf({ seq, by, about });
    const key = contents.keys.approvers.find((one) => one.keyId === signature.keyId);
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
    const problem = keyProblem(key, { ...facts, by, nonce, expiresAt }, value);
    if (problem) findings.wrong(`${name} ${problem}`);
  }
  if (signed.length === 0) findings.unknown("nobody signed what they said");
  return findings.as("signatures", `${signed.length} signed by whoever decided or resolved`);
}

type Signed = Word & { readonly signature: NonNullable<Word["signature"]> };

function isSigned(word: Word, findings: Findings): word is Signed {
  if ((word.assurance === "signature") !== (word.signature !== null)) {
    findings.wrong(`${nameOf(word)} and its assurance do not fit`);
  }
  return word.signature !== null;
}

const nameOf = ({ seq, by, about }: Pick<Word, "seq" | "by" | "about">) =>
  `entry ${seq}: the signature of ${by} on ${about}`;

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
