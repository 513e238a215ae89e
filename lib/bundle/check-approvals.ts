import { judge } from "../approvals/judge.ts";
import { keyId, signatureHolds } from "../approvals/proof.ts";
import type { AuditEntry } from "../audit/entry.ts";
import { canonicalJson } from "../canonical.ts";
import { planHash } from "../effects/intent.ts";
import { errorMessage } from "../errors.ts";
import { ruleFor } from "../policy/document.ts";
import { entriesOf } from "./check-chain.ts";
import { WRITING_MS } from "./check-effects.ts";
import type { Contents } from "./contents.ts";
import type { BundledApproval, BundledDecision } from "./format.ts";
import { type Check, Findings } from "./verdict.ts";

/**
 * Every approval is of exactly the intents that it lists; each decision is judged again, as it was when it came, by the
 * product's own judge: who may, the requester, the quorum, the expiry, the assurance. Granted is what these grants grant, and
 * it is used once.
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
    replay(approval, own, findings);
    const uses = own.filter(({ action }) => action === "approval.used");
    if (uses.length > 1) findings.wrong(`approvals.json: ${id} was used ${uses.length} times`);
    for (const { payload, seq } of uses) {
      if (!covers.some(({ effectId }) => effectId === payload.usedBy)) {
        findings.wrong(`entry ${seq}: ${id} was used by an effect that it does not cover`);
      }
    }
  }
  return findings.as("approvals", `${approvals.length} approvals, each decision as it had to be`);
}

function replay(approval: BundledApproval, own: readonly AuditEntry[], findings: Findings): void {
  const { id, intentHash, requestedBy, quorum, approvers, rule, decisions } = approval;
  const expiresAt = new Date(approval.expiresAt);
  const granted = own.find(({ action }) => action === "approval.granted");
  const voices: { decision: BundledDecision["decision"]; decidedBy: string; eventId: string }[] =
    [];
  const outcomes: string[] = [];
  for (const { seq, at, by, decision, assurance, eventId, intentHash: seen } of decisions) {
    const status = granted && granted.seq < seq ? ("granted" as const) : ("pending" as const);
    const verdict = judge({
      approval: { status, intentHash, requestedBy, expiresAt, quorum },
      rule: { ...rule, approvers },
      voices,
      decision: {
        ...{ kind: decision, by, intentHash: seen, assurance, nonceUsed: false },
        eventId: eventId ?? `entry ${seq}`,
      },
      now: judgedAt(new Date(at), expiresAt),
    });
    voices.push({ decision, decidedBy: by, eventId: eventId ?? `entry ${seq}` });
    if (!verdict.accepted) {
      findings.wrong(`entry ${seq}: ${by} could not have ${decision} ${id}: ${verdict.detail}`);
    } else outcomes.push(verdict.outcome);
  }
  const nonces = decisions.flatMap(({ by, signature }) =>
    signature ? JSON.stringify([by, signature.nonce]) : [],
  );
  if (new Set(nonces).size < nonces.length) findings.wrong(`${id}: a signature counts twice`);
  const wasGranted =
    granted !== undefined || approval.status === "granted" || approval.status === "used";
  if (wasGranted && !outcomes.includes("granted") && !automatic(own)) {
    findings.wrong(`approvals.json: ${id} was granted without the decisions that it takes`);
  }
}

/** When a decision was judged at the latest: before the entry about it was written, which may have waited for others. */
function judgedAt(written: Date, expiresAt: Date): Date {
  const late = written.getTime() - expiresAt.getTime();
  return late >= 0 && late <= WRITING_MS ? new Date(expiresAt.getTime() - 1) : written;
}

/** Granted by the policy itself when it was asked for: there is no decision of a person then. */
function automatic(own: readonly AuditEntry[]): boolean {
  const first = own.find(({ action }) => action.startsWith("approval."));
  return first?.action === "approval.granted" && /^policy:\d+$/.test(String(first.payload.by));
}

/** Each approval has the rule that its version of the policy gives its scope, as far as the policy says it. */
export function checkPolicy({ approvals, policies, run }: Contents): Check {
  const findings = new Findings();
  for (const { id, scope, policyVersion, quorum, approvers, rule, ...approval } of approvals) {
    const policy = policies.find(({ version }) => version === policyVersion);
    if (!policy) {
      findings.wrong(`policy.json does not have version ${policyVersion}, which ${id} was under`);
      continue;
    }
    const said = ruleFor(policy.document, scope);
    const { requester, assurance } = said;
    const differs = canonicalJson({ requester, assurance }) !== canonicalJson(rule);
    if (differs || said.approvals !== quorum) {
      findings.wrong(`approvals.json: ${id} is not under the rule of policy ${policyVersion}`);
    }
    if (
      said.approvers &&
      canonicalJson([...new Set(said.approvers)]) !== canonicalJson(approvers)
    ) {
      findings.wrong(`approvals.json: ${id} names other approvers than policy ${policyVersion}`);
    }
    const minutes = (Date.parse(approval.expiresAt) - Date.parse(approval.requestedAt)) / 60_000;
    if (minutes > said.expiresInMinutes + 1) {
      findings.wrong(`approvals.json: ${id} could be used for longer than the policy allows`);
    }
    const bare = approval.decisions.length === 0 && approval.status === "used";
    if (bare && !said.automatic) {
      findings.wrong(`approvals.json: ${id} was used without a decision, which no policy says`);
    }
  }
  const fine = approvals.length === 0 ? "nothing had to be decided" : "as its versions say";
  return findings.as("policy", `${fine} (run ${run.id})`);
}

/** Decisions that say that they were signed were, by the key of whoever decided, over exactly this decision. */
export function checkSignatures({ approvals, keys }: Contents): Check {
  const findings = new Findings();
  let signed = 0;
  for (const { id: approvalId, decisions } of approvals) {
    for (const { seq, by, decision, intentHash, assurance, signature } of decisions) {
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
