import { acceptRunRequest } from "./accept-run.ts";
import { answerMessage } from "./answer-message.ts";
import { applyPlan } from "./apply-plan.ts";
import { awaitApproval } from "./await-approval.ts";
import { awaitBuild } from "./await-build.ts";
import { awaitChecks } from "./await-checks.ts";
import { awaitFiles } from "./await-files.ts";
import { awaitHealth } from "./await-health.ts";
import { awaitInfra } from "./await-infra.ts";
import { awaitResolution } from "./await-resolution.ts";
import { bundleRun, sweepBundles } from "./bundle-run.ts";
import { cancelRunRequest } from "./cancel-run.ts";
import { checkCitations } from "./check-citations.ts";
import { checkpointAudit } from "./checkpoint-audit.ts";
import { closeMessage } from "./close-message.ts";
import { closeRun } from "./close-run.ts";
import { connectRepoToProject } from "./connect-repo.ts";
import { createProjectFromEvent } from "./create-project.ts";
import { decideApproval } from "./decide-approval.ts";
import { deleteProjectData } from "./delete-project.ts";
import { deployRun } from "./deploy-run.ts";
import { draftPatch } from "./draft-patch.ts";
import { gatherSources } from "./gather-sources.ts";
import { implementationRun } from "./implementation-run.ts";
import { indexRepo } from "./index-repo.ts";
import { ingestFile } from "./ingest-file.ts";
import { ledgerRun, removalRun } from "./one-part-runs.ts";
import { patchRepo } from "./patch-repo.ts";
import { planChanges } from "./plan-changes.ts";
import { preflightRun } from "./preflight-run.ts";
import { publishArtifact } from "./publish-artifact.ts";
import { recordInfra } from "./record-infra.ts";
import { removeFile } from "./remove-file.ts";
import { researchRun } from "./research-run.ts";
import { resolveUnknownEffect } from "./resolve-effect.ts";
import { stopSandboxes } from "./stop-sandboxes.ts";
import { sweepApprovals } from "./sweep-approvals.ts";
import { sweepArtifacts } from "./sweep-artifacts.ts";
import { sweepDriftOfEffects } from "./sweep-drift.ts";
import { sweepFiles } from "./sweep-files.ts";
import { sweepMessages } from "./sweep-messages.ts";
import { sweepProjects } from "./sweep-projects.ts";
import { sweepRemovals } from "./sweep-removals.ts";
import { sweepRepos } from "./sweep-repos.ts";
import { sweepRuns } from "./sweep-runs.ts";
import { verifyPatch } from "./verify-patch.ts";
import { writeSections } from "./write-sections.ts";

/** Every function that Inngest may call. */
export const functions = [
  acceptRunRequest,
  ledgerRun,
  removalRun,
  implementationRun,
  preflightRun,
  draftPatch,
  patchRepo,
  verifyPatch,
  awaitChecks,
  deployRun,
  awaitInfra,
  awaitBuild,
  awaitHealth,
  recordInfra,
  researchRun,
  awaitFiles,
  gatherSources,
  writeSections,
  checkCitations,
  publishArtifact,
  planChanges,
  awaitApproval,
  awaitResolution,
  applyPlan,
  decideApproval,
  resolveUnknownEffect,
  cancelRunRequest,
  stopSandboxes,
  closeRun,
  sweepApprovals,
  sweepArtifacts,
  sweepRuns,
  sweepDriftOfEffects,
  ingestFile,
  removeFile,
  sweepFiles,
  sweepRemovals,
  sweepProjects,
  createProjectFromEvent,
  deleteProjectData,
  answerMessage,
  closeMessage,
  sweepMessages,
  checkpointAudit,
  connectRepoToProject,
  indexRepo,
  sweepRepos,
  bundleRun,
  sweepBundles,
];
