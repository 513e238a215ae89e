import * as approvals from "./catalogue/approvals.ts";
import * as chat from "./catalogue/chat.ts";
import * as delivery from "./catalogue/delivery.ts";
import * as files from "./catalogue/files.ts";
import * as projects from "./catalogue/projects.ts";
import * as repos from "./catalogue/repos.ts";
import * as runs from "./catalogue/runs.ts";

/** Events that other systems may send us. */
export const INBOUND = [
  files.fileUploaded,
  projects.projectCreated,
  files.fileRemoved,
  projects.projectDeleted,
  repos.repoConnected,
  repos.repoPushed,
  repos.repoChecked,
  runs.runRequested,
  runs.runCancelRequested,
  approvals.approvalGranted,
  approvals.approvalDenied,
  approvals.approvalRevoked,
  approvals.effectResolved,
  delivery.infraProvisioned,
  chat.chatMessageSent,
] as const;

/** Events that we send for others to follow. */
export const OUTBOUND = [
  files.fileIngested,
  files.fileRejected,
  runs.runStarted,
  runs.runWaiting,
  runs.runSucceeded,
  runs.runFailed,
  runs.runCanceled,
  approvals.approvalRequested,
  approvals.approvalSettled,
  approvals.effectSettled,
  delivery.artifactCreated,
  delivery.sandboxJobFinished,
  delivery.infraProvisioned,
  delivery.deploymentUpdated,
  chat.chatMessageReplied,
] as const;

/** The public contract: every event type by its name. */
export const CATALOGUE = new Map(
  [...INBOUND, ...OUTBOUND].map((type) => [type.name as string, type]),
);
