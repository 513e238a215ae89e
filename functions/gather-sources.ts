import { invoke } from "inngest";
import { gatherSources as gather } from "#lib/artifacts/gather.ts";
import { researchOf } from "#lib/artifacts/research.ts";
import { inngest } from "#lib/events/client.ts";
import { recordStep } from "#lib/runs/record.ts";
import { artifactData, PHASE } from "./phase.ts";

/** Finds the passages of the project's documents that each section of one artifact is to be written from. */
export const gatherSources = inngest.createFunction(
  { ...PHASE, id: "gather-sources", triggers: [invoke(artifactData)] },
  async ({ event, step }) => {
    const { inngestRunId, ...work } = event.data;
    const { kind, projectId, runId } = work;
    const recorder = { step, projectId, runId, inngestRunId, phase: `gather-${kind}` };
    return await recordStep(recorder, { id: "search", kind: "search" }, async () =>
      gather(work, await researchOf(runId)),
    );
  },
);
