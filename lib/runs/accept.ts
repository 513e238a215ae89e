import type { z } from "zod";
import { checkRefined } from "../artifacts/refined.ts";
import { requestEntry, runEntry } from "../audit/happened.ts";
import { appendAudits } from "../data/audit.server.ts";
import { projectExists } from "../data/projects.server.ts";
import { findAudit } from "../data/recorded.server.ts";
import { insertRun, lockRun, moveRun, type Run, runOfEvent } from "../data/runs.server.ts";
import { type Tx, transaction } from "../data/transaction.server.ts";
import { Conflict, noProjectYet } from "../errors.ts";
import type { runRequested } from "../events/catalogue/runs.ts";
import { newId } from "../ids.ts";
import { checkInput, targetOf } from "./input.ts";

export type RunRequest = z.infer<typeof runRequested.schema> & { readonly eventId: string };

export interface Accepted {
  readonly runId: string;
  /** `live`: it is under way, nothing is to be done. `ended`: it has succeeded or was canceled, which is final. */
  readonly outcome: "created" | "resumed" | "live" | "ended";
  /** Which start of the run this is, from 1. */
  readonly attempt: number;
  /** Who is to be woken for it. */
  readonly target?: string;
}

/**
 * Writes the run that was asked for, once: the same event again, or the same `runId`, finds the same row. A failed one is
 * made ready to go on from where it stopped, with the input that it was made with; only a new budget is taken over. An event
 * does that once, however late it comes again: the audit entry of it has the event's id in its key.
 * Throws NotYet for a project that is not there (yet), InvalidInput for an input that its kind refuses, NotFound for an artifact
 * to be refined that is not there, and Conflict for a `runId` of another project or kind, or of a run that failed too long ago.
 */
export async function acceptRun(request: RunRequest): Promise<Accepted> {
  const { projectId, kind, input, requestedBy, eventId, mode = "apply" } = request;
  checkInput(kind, input);
  return await transaction(async (tx) => {
    if (!(await projectExists({ id: projectId }, tx))) {
      throw noProjectYet(projectId);
    }
    if (kind === "research") await checkRefined({ projectId, input }, tx);
    const id = request.runId ?? newId("run");
    const fields = { id, projectId, kind, mode, input, requestedBy, eventId };
    const inserted = await insertRun(fields, tx);
    if (inserted) {
      await appendAudits([requestEntry(inserted)], tx);
      return { runId: id, outcome: "created", attempt: inserted.attempt, ...targetOf(input) };
    }
    const run = await existing(request, tx);
    return { ...(await again(run, request, tx)), ...targetOf(run.input) };
  });
}

async function existing(request: RunRequest, tx: Tx): Promise<Run> {
  const { projectId, eventId, runId, kind, mode } = request;
  const run =
    (runId && (await lockRun({ id: runId }, tx))) || (await runOfEvent({ projectId, eventId }, tx));
  if (!run || run.projectId !== projectId) {
    throw new Conflict("run_id_taken", `The run id ${runId} is taken: choose another.`);
  }
  // Who is woken goes by the kind: with another one, the wrong function would take the run.
  if (run.kind !== kind) {
    const what = `The run ${run.id} is of kind ${run.kind}: ask for it as that, or for a new run under another id.`;
    throw new Conflict("run_kind_differs", what);
  }
  // It would go on as what it is: whoever asks for a plan alone must not have it applied.
  if (mode !== undefined && run.mode !== mode) {
    const what = `The run ${run.id} is in mode ${run.mode}: ask for it with that or without a mode, or for a new run under another id.`;
    throw new Conflict("run_mode_differs", what);
  }
  const { target } = targetOf(run.input);
  if (target !== targetOf(request.input).target) {
    throw new Conflict(
      "run_target_differs",
      `The run ${run.id} has the target ${target}: ask for it with that, or for a new run.`,
    );
  }
  return run;
}

/** A run that is there: the very event that made it, one that is under way, one that ended, or one to be resumed. */
async function again(run: Run, request: RunRequest, tx: Tx): Promise<Accepted> {
  const { id: runId, projectId, attempt } = run;
  if (run.status === "created") return { runId, outcome: "created", attempt };
  if (run.status === "succeeded" || run.status === "canceled")
    return { runId, outcome: "ended", attempt };
  if (run.status !== "failed") return { runId, outcome: "live", attempt };
  // The event that made it, or that had it go on before, delivered again after it failed, is not somebody's wish to go on.
  const key = `run.resumed ${runId} ${request.eventId}`;
  const heard = run.eventId === request.eventId || (await findAudit({ projectId, key }, tx));
  if (heard) return { runId, outcome: "ended", attempt };
  if (run.tidiedAt !== null) {
    const what = `The run ${runId} failed long ago and its drafts are removed: ask for a new run, under another runId.`;
    throw new Conflict("run_too_old", what);
  }
  // What it is about stays; what it may spend is what whoever asks for it now says.
  const { budget } = request.input;
  const set = { attempt: attempt + 1, error: null, remediation: null, inngestRunId: null };
  const resumed = await moveRun({ id: runId, from: ["failed"], to: "created", set, budget }, tx);
  if (!resumed) throw new Error(`the run ${runId} moved under its lock`);
  const payload = budget === undefined ? {} : { budget };
  const entry = runEntry(resumed, request.requestedBy, { action: "run.resumed", payload });
  await appendAudits([{ ...entry, key }], tx);
  return { runId, outcome: "resumed", attempt: resumed.attempt };
}
