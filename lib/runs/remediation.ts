const AGAIN =
  "Then send run.requested again with the same runId: it goes on from where it stopped.";
const SPENT =
  "Send run.requested again with the same runId and a larger input.budget: what is written is not paid for again.";

/** What a person can do, by the code that our errors begin with (`code: message`). */
const REMEDIES: Readonly<Record<string, string>> = {
  approval_denied:
    "The plan was denied. Talk to who denied it, and ask for a new run with another input.",
  approval_revoked: `The approval was taken back. If the plan is wanted after all: ${lower(AGAIN)}`,
  approval_expired: `Nobody decided in time. ${AGAIN.replace("Then s", "S")} A new approval will be asked for.`,
  policy_unreachable: `Publish a policy with enough approvers. ${AGAIN}`,
  effect_unknown: `Look into the other system and say what is there with effect.resolved. ${AGAIN}`,
  effect_abandoned: "A person abandoned the effect. Ask for a new run when it is wanted after all.",
  ledger_refused: `The ledger service refused the change. Correct its cause there. ${AGAIN}`,
  budget_tokens: SPENT,
  budget_calls: SPENT,
  budget_seconds: SPENT,
  model_refused: `The model will not write this. Remove the document that it objects to, or change MODEL. ${AGAIN}`,
  model_prompt_too_long:
    "Ask for a new run, under another runId, with a shorter brief or instruction: this one keeps its own.",
  sources_moved:
    "Documents were removed or read anew while the run was under way. Ask for a new run, under another runId.",
  model_rejected: `The model's server does not take our requests: look at MODEL, MODEL_URL and the key. ${AGAIN}`,
  project_not_found: "The project is gone or being deleted.",
  environment: `Set the variable that is named, and deploy. ${AGAIN}`,
};

/** One or two sentences for whoever has to get a failed run going again. */
export function remediationFor(error: string): string {
  const code = /^([a-z_]+): /.exec(error)?.[1] ?? "";
  return REMEDIES[code] ?? `Look at the step that failed and remove the cause. ${AGAIN}`;
}

function lower(text: string): string {
  return text.replace(/^Then s/, "s");
}
