import { canonicalJson } from "../canonical.ts";
import { BUILT_IN, ruleFor } from "../policy/document.ts";
import { entriesOf } from "./check-chain.ts";
import type { Contents } from "./contents.ts";
import { type Check, Findings } from "./verdict.ts";

/**
 * Each approval has the rule that its version of the policy gives its scope, as far as the policy says it. The built-in one is
 * known here; `export` tells of the others.
 */
export function checkPolicy(contents: Contents): Check {
  const { approvals, policies, run } = contents;
  const findings = new Findings();
  const entries = entriesOf(contents);
  for (const { version, document } of policies) {
    if (
      version === BUILT_IN.version &&
      canonicalJson(document) !== canonicalJson(BUILT_IN.document)
    ) {
      findings.wrong(`policy.json: version ${version} is not the built-in one`);
    }
  }
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
    const asked = entries.find(({ subject }) => subject === id);
    if (asked?.action === "approval.granted" && !said.automatic) {
      findings.wrong(`approvals.json: ${id} was granted by the policy, which does not say so`);
    }
  }
  const fine = approvals.length === 0 ? "nothing had to be decided" : "as its versions say";
  return findings.as("policy", `${fine} (run ${run.id})`);
}
