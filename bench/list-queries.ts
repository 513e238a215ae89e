import type { Executor } from "#db/client.ts";
import {
  approvalsOfRun,
  listVoices,
  overdueApprovals,
  unheardApprovals,
} from "#lib/data/approvals.server.ts";
import { latestOf, listArtifacts } from "#lib/data/artifact-lists.server.ts";
import { projectsToCheckpoint, readAudit, readRunAudit } from "#lib/data/audit.server.ts";
import { unbundledRuns } from "#lib/data/bundles.server.ts";
import {
  countChunks,
  fullTextSearch,
  getChunksWithFile,
  listRetired,
  listUnindexed,
} from "#lib/data/chunks.server.ts";
import { citationsOfMessages, listCitations } from "#lib/data/citations.server.ts";
import { deploymentsOfRun, listDeployments } from "#lib/data/deployments.server.ts";
import {
  countInFlight,
  effectsOfApproval,
  effectsOfRun,
  listEffects,
  orphanedEffects,
} from "#lib/data/effect-lists.server.ts";
import { latestVersions } from "#lib/data/export.server.ts";
import { claimLeftBehind, countUnread } from "#lib/data/file-progress.server.ts";
import { claimUnfinishedRemovals } from "#lib/data/file-removals.server.ts";
import { listFiles } from "#lib/data/files.server.ts";
import { effectsToCheck, listFindings, newestOn } from "#lib/data/findings.server.ts";
import { infraOfRun, listInfra } from "#lib/data/infra.server.ts";
import {
  claimUnanswered,
  listMessages,
  oldestPending,
  turnsBefore,
} from "#lib/data/messages.server.ts";
import { spentOn } from "#lib/data/model-calls.server.ts";
import type { Page } from "#lib/data/page.ts";
import { listApproverKeys } from "#lib/data/policies.server.ts";
import { claimUndeleted, listProjects } from "#lib/data/projects.server.ts";
import { listRefusals } from "#lib/data/refusals.server.ts";
import { listRepoIds, listRepos } from "#lib/data/repos.server.ts";
import { untidyRuns } from "#lib/data/run-drafts.server.ts";
import { listSteps } from "#lib/data/run-steps.server.ts";
import { listRuns, liveRunsOf, staleRuns } from "#lib/data/runs.server.ts";
import { listJobs } from "#lib/data/sandbox-jobs.server.ts";
import { listSkills } from "#lib/data/skills.server.ts";
import { listThreads } from "#lib/data/threads.server.ts";
import { listApprovals } from "#lib/data/visible-approvals.server.ts";
import { APPROVER, BUSY, BUSY_THREAD, ORDINARY, OWNER, OWNER_OF_MANY } from "./list-rows.ts";

type Query = (executor: Executor) => Promise<unknown>;

const left = { olderThanMs: 15 * 60_000, limit: 100 };
const runId = "run_500000";
const fileId = "file_5000";

const versions = Array.from({ length: 20 }, (_, n) => {
  return { kind: "report", key: `key-${n * 1000}`, version: 3 };
});

/** The first page, and the one behind it. */
function pages(
  list: (cursor: string | undefined, executor: Executor) => Promise<Page<unknown>>,
): Query {
  return async (executor) => {
    const { nextCursor } = await list(undefined, executor);
    if (nextCursor !== null) await list(nextCursor, executor);
  };
}

const everyApproval = (input: Omit<Parameters<typeof listApprovals>[0], "cursor">) =>
  pages((cursor, executor) => listApprovals({ ...input, cursor }, executor));

/** Every read of the data layer that gives more than one row, on the tables where it has most to find. */
export const QUERIES: Readonly<Record<string, Query>> = {
  "projects of an owner": pages((cursor, e) =>
    listProjects({ ownerUserId: OWNER_OF_MANY, cursor }, e),
  ),
  "projects to delete": (e) => claimUndeleted(left, e),
  "files, busy project": pages((cursor, e) => listFiles({ projectId: BUSY, cursor }, e)),
  "files, ordinary project": pages((cursor, e) => listFiles({ projectId: ORDINARY, cursor }, e)),
  // More than are unfinished, so that it goes on to those of older versions.
  "files left behind": (e) => claimLeftBehind({ ...left, limit: 2000, extractionVersion: 2 }, e),
  "files that a run waits for": (e) =>
    countUnread({ projectId: BUSY, until: new Date(), linkMs: 1, fileMs: 1 }, e),
  "removals left behind": (e) => claimUnfinishedRemovals(left, e),
  "chunks without a vector": (e) => listUnindexed({ fileId, extractionVersion: 2, limit: 64 }, e),
  "chunks of older versions": (e) => listRetired({ fileId, extractionVersion: 2, limit: 1000 }, e),
  "chunks of a file": (e) => countChunks({ fileId, extractionVersion: 2 }, e),
  "chunks found": (e) => getChunksWithFile({ projectId: BUSY, ids: ids("chunk", 40) }, e),
  "full text": (e) => fullTextSearch({ projectId: BUSY, query: "word17 word33", limit: 10 }, e),
  "runs, busy project": pages((cursor, e) => listRuns({ projectId: BUSY, cursor }, e)),
  "runs, ordinary project": pages((cursor, e) => listRuns({ projectId: ORDINARY, cursor }, e)),
  "runs of a project that live": (e) => liveRunsOf({ projectId: BUSY }, e),
  "runs left behind": (e) => staleRuns({ ...left, statuses: ["created", "running"] }, e),
  "runs with drafts, succeeded": (e) => untidyRuns({ ...left, status: "succeeded" }, e),
  "runs with drafts, failed": (e) => untidyRuns({ ...left, status: "failed" }, e),
  "steps of a run": (e) => listSteps({ runId: "run_5000" }, e),
  "sandbox jobs of a run": (e) => listJobs({ runId: "run_5000" }, e),
  "artifacts, busy project": pages((cursor, e) => listArtifacts({ projectId: BUSY, cursor }, e)),
  "artifacts, ordinary project": pages((cursor, e) =>
    listArtifacts({ projectId: ORDINARY, cursor }, e),
  ),
  "artifacts found": (e) => latestOf({ projectId: BUSY, versions }, e),
  "artifacts to export": (e) => latestVersions({ projectId: ORDINARY, limit: 1000 }, e),
  "citations of an artifact": (e) => listCitations({ artifactId: "artifact_5000" }, e),
  "citations of messages": (e) => citationsOfMessages({ ids: ids("message", 100) }, e),
  "threads, busy project": pages((cursor, e) => listThreads({ projectId: BUSY, cursor }, e)),
  "threads, ordinary project": pages((cursor, e) =>
    listThreads({ projectId: ORDINARY, cursor }, e),
  ),
  "messages, busy thread": pages((cursor, e) => listMessages({ threadId: BUSY_THREAD, cursor }, e)),
  "messages, ordinary thread": (e) => listMessages({ threadId: "thread_5000" }, e),
  "question that waits longest": (e) => oldestPending({ threadId: BUSY_THREAD }, e),
  "turns before a question": (e) =>
    turnsBefore({ threadId: BUSY_THREAD, createdAt: new Date() }, 4, e),
  "questions left behind": (e) => claimUnanswered({ ...left, limit: 20 }, e),
  "skills of a project": (e) => listSkills({ projectId: ORDINARY }, e),
  "approvals, owner": everyApproval({ userId: OWNER }),
  "approvals, owner of many": everyApproval({ userId: OWNER_OF_MANY }),
  "approvals, approver": everyApproval({ userId: APPROVER }),
  "approvals, approver of a thousand": everyApproval({ userId: "approver_7" }),
  "approvals, owner, pending": everyApproval({ userId: OWNER, status: "pending" }),
  "approvals, approver, pending": everyApproval({ userId: APPROVER, status: "pending" }),
  "approvals, busy project": everyApproval({ userId: OWNER, projectId: BUSY }),
  "approvals, busy project, pending": everyApproval({
    userId: OWNER,
    projectId: BUSY,
    status: "pending",
  }),
  "approvals of a run": (e) => approvalsOfRun({ runId }, e),
  "decisions on an approval": (e) => listVoices({ approvalId: "approval_500000" }, e),
  "approvals past their time": (e) => overdueApprovals({ limit: 100 }, e),
  "approvals unheard": (e) => unheardApprovals(left, e),
  "effects, busy project": pages((cursor, e) => listEffects({ projectId: BUSY, cursor }, e)),
  "effects of a run": (e) => effectsOfRun({ runId: "run_5000" }, e),
  "effects of an approval": (e) => effectsOfApproval({ approvalId: "approval_5000" }, e),
  "effects to look at": (e) =>
    effectsToCheck({ kinds: ["repo.merge"], olderThanMs: 1000, limit: 25 }, e),
  "newest effect on a Vercel project": (e) =>
    newestOn({ kinds: ["vercel.promotion"], project: "app-5000" }, e),
  "findings, busy project": pages((cursor, e) => listFindings({ projectId: BUSY, cursor }, e)),
  "findings, ordinary project": pages((cursor, e) =>
    listFindings({ projectId: ORDINARY, cursor }, e),
  ),
  "resources, busy project": pages((cursor, e) => listInfra({ projectId: BUSY, cursor }, e)),
  "resources, ordinary project": pages((cursor, e) =>
    listInfra({ projectId: ORDINARY, cursor }, e),
  ),
  "resources of a run": (e) => infraOfRun({ runId: "run_5000" }, e),
  "deployments, busy project": pages((cursor, e) =>
    listDeployments({ projectId: BUSY, cursor }, e),
  ),
  "deployments, ordinary project": pages((cursor, e) =>
    listDeployments({ projectId: ORDINARY, cursor }, e),
  ),
  "deployments of a run": (e) => deploymentsOfRun({ runId: "run_5000" }, e),
  "runs without a bundle": (e) =>
    unbundledRuns({ kind: "none", olderThanMs: 1000, withinDays: 7, limit: 20 }, e),
  "effects orphaned": (e) => orphanedEffects({ limit: 100 }, e),
  "effects orphaned, busy project": (e) => orphanedEffects({ limit: 100, projectId: BUSY }, e),
  "effects in flight": (e) => countInFlight({ projectId: BUSY }, e),
  "audit, busy project": (e) => readAudit({ projectId: BUSY, after: 250_000 }, e),
  "projects to checkpoint": (e) => projectsToCheckpoint({ limit: 100 }, e),
  "audit of a run": (e) => readRunAudit({ projectId: BUSY, runId: "run_5000" }, e),
  refusals: (e) => listRefusals({ projectId: BUSY, subject: "run_5000" }, e),
  "repositories, busy project": pages((cursor, e) => listRepos({ projectId: BUSY, cursor }, e)),
  "repositories, ordinary project": pages((cursor, e) =>
    listRepos({ projectId: ORDINARY, cursor }, e),
  ),
  "repositories of a project": (e) => listRepoIds({ projectId: ORDINARY }, e),
  "approver keys": (e) => listApproverKeys({ projectId: BUSY }, e),
  "model calls of a run": (e) => spentOn({ runId: "run_5000" }, e),
};

function ids(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${kind}_${n * 10_000}`);
}
