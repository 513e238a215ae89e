import { appendAudit } from "../data/audit.server.ts";
import { insertPolicy, latestPolicy, type PolicyVersion } from "../data/policies.server.ts";
import { type Tx, transaction } from "../data/transaction.server.ts";
import { Conflict, InvalidInput } from "../errors.ts";
import { BUILT_IN, type PolicyDocument, policyDocument, type Rule, ruleFor } from "./document.ts";

export interface AppliedRule extends Rule {
  /** Never empty: the owner where the policy names nobody. */
  readonly approvers: string[];
  readonly policyVersion: number;
}

/** A project's policy as it is now. */
export async function currentPolicy(
  { projectId }: { projectId: string },
  tx?: Tx,
): Promise<{ version: number; document: PolicyDocument }> {
  const row = await latestPolicy({ projectId }, tx);
  if (!row) return BUILT_IN;
  return { version: row.version, document: policyDocument.parse(row.document) };
}

/**
 * The rule for an approval that is being requested. Throws Conflict when nobody could ever satisfy it: a person must
 * then change the policy, not wait for the expiry.
 */
export async function applyPolicy(
  input: { projectId: string; owner: string; scope: string; requestedBy: string },
  tx: Tx,
): Promise<AppliedRule> {
  const { projectId, owner, scope, requestedBy } = input;
  const { version, document } = await currentPolicy({ projectId }, tx);
  const rule = ruleFor(document, scope);
  const approvers = [...new Set(rule.approvers ?? [owner])];
  const able =
    rule.requester === "never" ? approvers.filter((name) => name !== requestedBy) : approvers;
  if (!rule.automatic && able.length < rule.approvals) {
    throw new Conflict(
      "policy_unreachable",
      `The policy (version ${version}) asks for ${rule.approvals} approval(s) of ${scope}, and only ${able.length} may give one: add approvers to it.`,
      { projectId, scope, version },
    );
  }
  return { ...rule, approvers, policyVersion: version };
}

/** Publishes the next version of a project's policy. Throws InvalidInput that names what is wrong with it. */
export async function publishPolicy(input: {
  projectId: string;
  document: unknown;
  by: string;
}): Promise<PolicyVersion> {
  const { projectId, by } = input;
  const parsed = policyDocument.safeParse(input.document);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      ({ path, message }) => `${path.join(".")}: ${message}`,
    );
    throw new InvalidInput("policy_invalid", `The policy is not right. ${problems.join("; ")}`);
  }
  return await transaction(async (tx) => {
    const row = await insertPolicy({ projectId, document: parsed.data, createdBy: by }, tx);
    const { version } = row;
    await appendAudit(
      {
        projectId,
        actor: by,
        action: "policy.published",
        subject: row.id,
        payload: { version, document: parsed.data },
        // Who may decide is what the chain has to say, to the letter.
        harmless: true,
      },
      tx,
    );
    return row;
  });
}
