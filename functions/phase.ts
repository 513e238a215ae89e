import * as z from "zod";
import { runCanceled } from "#lib/events/catalogue/runs.ts";
import { PARTS } from "#lib/runs/wishes.ts";

/** What a run hands to each of its phases; `inngestRunId` is that of the run, for which all steps are recorded. */
export const runData = z.object({
  projectId: z.string(),
  runId: z.string(),
  inngestRunId: z.string(),
});

/** `attempt`: which start of the run this is. */
export const verifyData = runData.extend({ attempt: z.int() });

export const phaseData = runData.extend({
  /** Which start of the run, and which plan in it: plans are made anew when the world moved. */
  round: z.string(),
});

/**
 * A wait that may take more looks than a run of the engine has steps for (1,000, and a look is two): after {@link MAX_LOOKS} it hands
 * over to a run of its own, with when it began and which look is next.
 */
export const longWaitData = phaseData.extend({
  since: z.number().optional(),
  look: z.int().min(1).optional(),
});
export const MAX_LOOKS = 200;

/** `headSha`: the head of the pull request whose checks have passed. */
export const planData = phaseData.extend({ part: z.enum(PARTS), headSha: z.string().optional() });

export const approvalData = phaseData.extend({ approvalId: z.string() });

export const resolutionData = phaseData.extend({ effectId: z.string() });

export const applyData = phaseData.extend({
  effects: z.array(z.object({ effectId: z.string(), stepId: z.string() })),
});

/** What the phases of a research run are told: which of its artifacts they work on. */
export const artifactData = runData.extend({
  kind: z.string(),
  logicalKey: z.string(),
});

export const sectionsData = artifactData.extend({
  sections: z.array(z.object({ id: z.string(), chunkIds: z.array(z.string()) })),
});

/** Ends a function of a run when the run is canceled. */
export const endsWithRun = () => [{ event: runCanceled.name, match: "data.runId" }];

/** How many steps of one phase run at once, in all and for one project: one project's runs must not starve the others. */
export const PHASE_CONCURRENCY: [{ limit: number }, { limit: number; key: string }] = [
  { limit: 20 },
  { limit: 5, key: "event.data.projectId" },
];

/** What all phases have in common that do not wait for anybody. */
export const PHASE = {
  cancelOn: endsWithRun(),
  concurrency: PHASE_CONCURRENCY,
  retries: 10 as const,
};

/** What all runs have in common. A phase that has used up its own retries is not tried again as a whole. */
export const RUN = { cancelOn: endsWithRun(), retries: 4 as const };
