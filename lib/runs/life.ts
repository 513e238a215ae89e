import { approvalEntry, effectEntry, runEntry } from "../audit/happened.ts";
import { approvalsOfRun, moveApproval } from "../data/approvals.server.ts";
import { appendAudits, type NewAuditEntry } from "../data/audit.server.ts";
import { lockEffectsOfRun, moveEffect } from "../data/effects.server.ts";
import { isRecorded } from "../data/recorded.server.ts";
import { lockRun, moveRun, type Run, type RunStatus, touchRun } from "../data/runs.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { Conflict, NotYet } from "../errors.ts";
import { remediationFor } from "./remediation.ts";
import { before, isLive } from "./states.ts";

const ACTOR = "countersign";

/**
 * Makes a run of the engine the one that works on our run. Null when there is nothing to do: it has ended, or another
 * one works on it. The same one asking again gets it again.
 */
export async function beginRun(input: {
  runId: string;
  inngestRunId: string;
}): Promise<Run | null> {
  const { runId, inngestRunId } = input;
  return await transaction(async (tx) => {
    const run = await lockRun({ id: runId }, tx);
    if (!run) return null;
    if (run.status !== "created") {
      return isLive(run) && run.inngestRunId === inngestRunId ? run : null;
    }
    const set = { inngestRunId, startedAt: run.startedAt ?? new Date() };
    const begun = await moveRun({ id: runId, from: ["created"], to: "running", set }, tx);
    if (!begun) throw new Error(`the run ${runId} moved under its lock`);
    await appendAudits([runEntry(begun, ACTOR)], tx);
    return begun;
  });
}

/**
 * Says what a run is doing now, on behalf of the engine's run that works on it; saying the same again only shows that
 * somebody does. Throws Conflict when the run has ended meanwhile or is worked on elsewhere.
 */
export async function setRunStatus(
  { runId, inngestRunId }: { runId: string; inngestRunId: string },
  to: Extract<RunStatus, "running" | "waiting_approval" | "waiting_external">,
  payload: Record<string, unknown> = {},
): Promise<void> {
  await transaction(async (tx) => {
    const run = await lockRun({ id: runId }, tx);
    if (run?.status === to && run.inngestRunId === inngestRunId) {
      await touchRun({ id: runId }, tx);
      return;
    }
    const moved = await moveRun({ id: runId, from: before(to), to, inngestRunId }, tx);
    if (!moved) throw new Conflict("run_not_ours", `The run ${runId} is ${run?.status ?? "gone"}.`);
    await appendAudits([runEntry(moved, ACTOR, { payload })], tx);
  });
}

/**
 * Ends a run well. False when it has ended otherwise, or is worked on elsewhere: then nothing is to be announced. True
 * again for whom it was true before.
 */
export async function succeedRun(
  { runId, inngestRunId }: { runId: string; inngestRunId: string },
  result: Record<string, unknown>,
): Promise<boolean> {
  return await transaction(async (tx) => {
    const run = await lockRun({ id: runId }, tx);
    if (run?.status === "succeeded" && run.inngestRunId === inngestRunId) return true;
    const end = { id: runId, from: ["running" as const], to: "succeeded" as const, inngestRunId };
    const moved = await moveRun({ ...end, set: { result } }, tx);
    if (moved) await appendAudits([runEntry(moved, ACTOR, { payload: { result } })], tx);
    return moved !== null;
  });
}

/**
 * Ends a run with its error and what a person can do about it. Nothing happens when it had ended otherwise, or when
 * `inngestRunId` is no longer the one that works on it; whoever has ended it so hears the same again. What it planned and
 * what was approved stays: asking for the run again goes on.
 */
export async function failRun(input: {
  runId: string;
  inngestRunId: string;
  error: string;
}): Promise<
  | { outcome: "failed"; error: string; remediation: string; attempt: number }
  | { outcome: "ended before" }
> {
  const { runId, inngestRunId, error } = input;
  const remediation = remediationFor(error);
  return await transaction(async (tx) => {
    const run = await lockRun({ id: runId }, tx);
    if (run?.status === "failed" && run.inngestRunId === inngestRunId) return failed(run);
    const set = { error, remediation };
    const moved = await moveRun(
      { id: runId, from: before("failed"), to: "failed", inngestRunId, set },
      tx,
    );
    if (!moved) return { outcome: "ended before" };
    const payload = { error: moved.error ?? "", remediation };
    await appendAudits([runEntry(moved, ACTOR, { payload })], tx);
    return failed(moved);
  });
}

function failed({ error, remediation, attempt }: Run) {
  const outcome = "failed" as const;
  return { outcome, error: error ?? "", remediation: remediation ?? "", attempt };
}

/**
 * Cancels a run: nothing of it that has not been sent will be. Its open approvals are void and its effects abandoned;
 * one that was sent stays, to be looked for. Said again, it says `canceled` again, so that the engine hears of it; a run that
 * is not there, or not of this project, and one that has ended otherwise, are left alone. With `inngestRunId`, only a
 * run that this one works on still, or that was so canceled by the same before.
 */
export async function cancelRun(input: {
  projectId: string;
  runId: string;
  by: string;
  reason: string;
  inngestRunId?: string;
}): Promise<{ outcome: "canceled" | "no such run" | "not of this project" | "ended before" }> {
  const { projectId, runId, by, reason, inngestRunId } = input;
  return await transaction(async (tx) => {
    const run = await lockRun({ id: runId }, tx);
    if (!run) return { outcome: "no such run" };
    if (run.projectId !== projectId) return { outcome: "not of this project" };
    const key = `run.canceled ${runId}`;
    if (run.status === "canceled") {
      const heard = !inngestRunId || (await isRecorded({ projectId, key, actor: by }, tx));
      return { outcome: heard ? "canceled" : "ended before" };
    }
    const stop = { id: runId, from: before("canceled"), to: "canceled" as const, inngestRunId };
    const moved = await moveRun(stop, tx);
    if (!moved) return { outcome: "ended before" };
    const entries: NewAuditEntry[] = [{ ...runEntry(moved, by, { payload: { by, reason } }), key }];
    for (const { id } of await approvalsOfRun({ runId }, tx)) {
      const voided = await moveApproval({ id, from: ["pending", "granted"], to: "superseded" }, tx);
      if (voided) entries.push(approvalEntry(voided, by, { reason: "run canceled" }));
    }
    for (const { id } of await lockEffectsOfRun({ runId }, tx)) {
      const gone = await moveEffect(
        { id, from: ["planned", "approved", "claimed"], to: "abandoned" },
        tx,
      );
      if (gone) entries.push(effectEntry(gone, by));
    }
    await appendAudits(entries, tx);
    return { outcome: "canceled" };
  });
}

/**
 * The same for whoever asks for it by an event, which can come before the one that asks for the run. Throws NotYet when there is no
 * such run, or not yet.
 */
export async function cancelAsAsked(said: Omit<Parameters<typeof cancelRun>[0], "inngestRunId">) {
  const canceled = await cancelRun(said);
  if (canceled.outcome !== "no such run") return canceled;
  throw new NotYet("run_not_found", `There is no run ${said.runId}.`, 1000);
}

/**
 * Frees a run that nobody has touched for `olderThanMs`, though it has not ended: the engine has lost it. It is made ready
 * to be begun again from where it stopped. Null when somebody has touched it meanwhile.
 */
export async function reviveRun(input: {
  runId: string;
  olderThanMs: number;
}): Promise<Run | null> {
  const { runId, olderThanMs } = input;
  return await transaction(async (tx) => {
    const run = await lockRun({ id: runId }, tx);
    if (!run || !isLive(run) || Date.now() - run.updatedAt.getTime() < olderThanMs) return null;
    if (run.status === "created") return await touchRun({ id: runId }, tx);
    const error = "engine_lost: the engine no longer works on it";
    const failed = await moveRun(
      { id: runId, from: [run.status], to: "failed", set: { error } },
      tx,
    );
    const set = { attempt: run.attempt + 1, error: null, inngestRunId: null };
    const ready =
      failed && (await moveRun({ id: runId, from: ["failed"], to: "created", set }, tx));
    if (!ready) throw new Error(`the run ${runId} moved under its lock`);
    const entries = [
      runEntry(failed, ACTOR, { payload: { error } }),
      runEntry(ready, ACTOR, { action: "run.resumed" }),
    ];
    await appendAudits(entries, tx);
    return ready;
  });
}
