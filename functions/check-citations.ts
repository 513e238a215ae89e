import { invoke } from "inngest";
import { checkArtifact } from "#lib/artifacts/check.ts";
import { inngest } from "#lib/events/client.ts";
import { recordStep } from "#lib/runs/record.ts";
import { artifactData, PHASE } from "./phase.ts";

/** Holds what was written for one artifact against its sources; what cannot be found there is left out. */
export const checkCitations = inngest.createFunction(
  { ...PHASE, id: "check-citations", triggers: [invoke(artifactData)] },
  async ({ event, step }) => {
    const { inngestRunId, ...work } = event.data;
    const { projectId, runId } = work;
    const recorder = { step, projectId, runId, inngestRunId, phase: `check-${work.kind}` };
    return await recordStep(recorder, { id: "check", kind: "check" }, () => checkArtifact(work));
  },
);
