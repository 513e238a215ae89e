const AGAIN =
  "Then send run.requested again with the same runId: it goes on from where it stopped.";
const SPENT =
  "Send run.requested again with the same runId and a larger input.budget: what is written is not paid for again.";

const REFUSED = `The provider refused it: the message says why. ${AGAIN}`;
const OTHER_INPUT = "Ask for a new run, under another runId, with an input that is right.";
const OTHER = "Ask for a new run, under another runId, with a change that is right.";

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
  model_missing: `Set MODEL (docs/model.md) and deploy. ${AGAIN}`,
  draft_unfinished: "Ask for a new run, under another runId, with less to do in it.",
  model_refused: `The model will not write this. Remove the document that it objects to, or change MODEL. ${AGAIN}`,
  model_prompt_too_long:
    "Ask for a new run, under another runId, with a shorter brief or instruction: this one keeps its own.",
  sources_moved:
    "Documents were removed or read anew while the run was under way. Ask for a new run, under another runId.",
  template_changed: "Ask for a new run, under another runId.",
  base_moved:
    "Somebody has published another version since. Ask for a new run, under another runId.",
  model_rejected: `The model's server does not take our requests: look at MODEL, MODEL_URL and the key. ${AGAIN}`,
  vectors_unavailable: `Get the vector store going, or look at UPSTASH_VECTOR_REST_URL and its token. ${AGAIN}`,
  repo_not_connected: `Send repo.connected for it. ${AGAIN}`,
  branch_not_found: "Ask for a new run with a base that is there.",
  artifact_not_found: "Ask for a new run that names artifacts which the project has.",
  patch_does_not_apply: OTHER,
  patch_empty: OTHER,
  patch_too_large: OTHER,
  patch_path: OTHER,
  patch_mode: OTHER,
  verify_nothing: "Ask for a new run that names commands in input.verify.",
  verification_failed: `The report and the transcript say more. ${OTHER}`,
  command_not_allowed: "Ask for a new run with commands that docs/sandbox.md allows.",
  sandbox_not_isolated: `Install bubblewrap, or name the repository in SANDBOX_TRUSTED_REPOS. ${AGAIN}`,
  checks_failed: `Get them to pass, on this head or on a newer one of the branch. ${AGAIN}`,
  checks_late: `Look why they have not ended. ${AGAIN}`,
  merge_conflict: `Merge the base into the branch and resolve it there, which asks for an approval of the new head. ${AGAIN}`,
  base_changed: `Give the pull request its base back. ${AGAIN}`,
  branch_taken: `Remove the branch that is in the way. ${AGAIN}`,
  pull_taken: `Close the pull request that is in the way. ${AGAIN}`,
  pull_closed: `Open the pull request again. ${AGAIN}`,
  pull_merged: "Somebody else has merged it: there is nothing left for this run.",
  github_token: `GITHUB_TOKEN is not valid: set another. ${AGAIN}`,
  github_conflict: `GitHub refused it: the message says why. ${AGAIN}`,
  github_not_found: `It is not there, or not for GITHUB_TOKEN. ${AGAIN}`,
  pull_gone: `The pull request is not there any more. ${OTHER_INPUT}`,
  tree_differs:
    "GitHub made another tree of the files than was verified. Ask for a new run, under another runId.",
  vercel_request: REFUSED,
  github_refused: `GitHub refused it: the message says why. ${AGAIN}`,
  repository_too_large: "The repository is larger than what is fetched: it cannot be worked on.",
  vercel_project_other:
    "Ask for a new run that names another project at Vercel, or link that one to the repository.",
  vercel_project_automatic: `Turn off "Auto-assign Custom Production Domains" of the project at Vercel. ${AGAIN}`,
  vercel_project_not_found: `The project is not at Vercel any more. ${AGAIN} It is made anew after another approval.`,
  project_gone: `The project is not at Vercel any more. ${AGAIN} It is made anew after another approval.`,
  resource_gone: `The resource is not at its provider any more, or has no such value. ${AGAIN} It is made anew after another approval.`,
  production_moved: `Somebody else has changed what production serves. When it is to be this run's after all: ${lower(AGAIN)} Its promotion is approved anew.`,
  plan_moves: `Something changes what the plans are made against, as often as they are approved. Find out what. ${AGAIN}`,
  vercel_refused: REFUSED,
  vercel_not_found: REFUSED,
  vercel_conflict: REFUSED,
  vercel_variables: REFUSED,
  neon_refused: REFUSED,
  neon_not_found: REFUSED,
  neon_conflict: REFUSED,
  upstash_refused: REFUSED,
  upstash_not_found: REFUSED,
  upstash_conflict: REFUSED,
  deployment_not_ready: `Look at the deployment at Vercel. ${AGAIN}`,
  approval_superseded: `The plan has another one in its place. ${AGAIN}`,
  effect_outcome_open: `The other system has not answered for hours. When it does: ${lower(AGAIN)} What was sent is looked for first.`,
  effect_deferred: `The other system has asked to wait for hours. ${AGAIN}`,
  effect_ended: "The effect or its run is over. Ask for a new run when it is wanted after all.",
  resource_not_found: `Look at the resource's externalId and at our key for its provider. ${OTHER_INPUT}`,
  resource_not_seen: `Look whether it is still there, and whether our key for its provider is of the account that has it. ${AGAIN}`,
  resource_not_ours: "Ask for a new run that names resources which a run of the project has made.",
  infra_late: `Do what the INFRA_INSTRUCTIONS artifact says. ${AGAIN}`,
  project_taken: `Somebody made a project of that name meanwhile. ${AGAIN}`,
  provider_refused: REFUSED,
  vercel_token: `VERCEL_TOKEN is not valid: set another. ${AGAIN}`,
  neon_key: `NEON_API_KEY is not valid: set another. ${AGAIN}`,
  upstash_key: `UPSTASH_EMAIL and UPSTASH_API_KEY are not valid: set others. ${AGAIN}`,
  deployment_failed: `The end of the build's log says why. When it can pass without another change: ${lower(AGAIN)} It is built anew after another approval. Otherwise ask for a new run with a change that builds.`,
  deployment_canceled: `Somebody canceled the build at Vercel. ${AGAIN}`,
  deployment_late: `Look at Vercel why it has not ended. ${AGAIN}`,
  deployment_gone: `Somebody removed the deployment at Vercel. ${AGAIN}`,
  deployment_other: `The build that was named with effect.resolved is another one. ${AGAIN} It is built anew after another approval.`,
  deployment_unhealthy: `Nobody is served it. Look why it does not answer as input.deploy.health says. ${AGAIN}`,
  production_unhealthy: `Look why it did not answer as input.deploy.health says. When the cause is gone: ${lower(AGAIN)} Its promotion is approved anew.`,
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
