import * as z from "zod";
import { runCanceled } from "#lib/events/catalogue/runs.ts";

/** What the run hands to each of its phases; `inngestRunId` is that of the run, for which all steps are recorded. */
export const phaseData = z.object({
  projectId: z.string(),
  runId: z.string(),
  inngestRunId: z.string(),
  /** Plans are made anew when the world moved: 1 is the first. */
  round: z.number(),
});

/** A phase that works with a plan's approval. */
export const approvedPhaseData = phaseData.extend({ approvalId: z.string() });

/** Ends a function of a run when the run is canceled. */
export const endsWithRun = () => [{ event: runCanceled.name, match: "data.runId" }];
