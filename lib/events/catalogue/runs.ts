import { eventType } from "inngest";
import * as z from "zod";
import { actor, id, json, note } from "./fields.ts";

/**
 * Start a run, or resume one: with the `runId` of a live run nothing happens, with that of a failed run it goes on from
 * where it stopped. `mode: plan` goes up to the first effect and returns the plan.
 */
export const runRequested = eventType("run.requested", {
  schema: z.strictObject({
    projectId: id,
    kind: z.enum(["research", "implementation"]),
    input: json,
    requestedBy: actor,
    runId: id.optional(),
    mode: z.enum(["apply", "plan"]).optional(),
  }),
});

export const runCancelRequested = eventType("run.cancel.requested", {
  schema: z.strictObject({ projectId: id, runId: id, by: actor, reason: note }),
});

const run = { projectId: id, runId: id };

export const runStarted = eventType("run.started", {
  schema: z.strictObject({
    ...run,
    kind: z.enum(["research", "implementation"]),
    /** What an implementation run changes: `ledger`, `repository`. */
    target: z.string().max(50).optional(),
    requestedBy: actor,
  }),
});

/** The run waits for a person or for another system; `waitingFor` names the approval, effect or resource. */
export const runWaiting = eventType("run.waiting", {
  schema: z.strictObject({ ...run, reason: z.enum(["approval", "external"]), waitingFor: id }),
});

export const runSucceeded = eventType("run.succeeded", { schema: z.strictObject({ ...run }) });

/** `remediation` says what a person can do about it. */
export const runFailed = eventType("run.failed", {
  schema: z.strictObject({ ...run, error: z.string(), remediation: z.string() }),
});

export const runCanceled = eventType("run.canceled", {
  schema: z.strictObject({ ...run, by: actor, reason: note }),
});
