import { invoke } from "inngest";
import { indexArtifact } from "#lib/artifacts/indexing.ts";
import { publishDraft } from "#lib/artifacts/publish.ts";
import { researchOf } from "#lib/artifacts/research.ts";
import { INDEX_STEP, publishPhase } from "#lib/data/artifact-index.server.ts";
import { artifactCreated } from "#lib/events/catalogue/delivery.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { recordStep } from "#lib/runs/record.ts";
import { artifactData, PHASE } from "./phase.ts";

/** Publishes the next version of one artifact, unless it says what the last one says, and makes it searchable. */
export const publishArtifact = inngest.createFunction(
  { ...PHASE, id: "publish-artifact", triggers: [invoke(artifactData)] },
  async ({ event, step }) => {
    const { inngestRunId, ...work } = event.data;
    const { projectId, runId, kind, logicalKey } = work;
    const recorder = { step, projectId, runId, inngestRunId, phase: publishPhase(kind) };
    const published = await recordStep(recorder, { id: "publish", kind: "publish" }, async () => {
      const { refine } = await researchOf(runId);
      return await publishDraft(work, refine?.instruction);
    });
    const { artifactId, version, created } = published;
    if (created) {
      const data = { projectId, runId, artifactId, kind, logicalKey, version };
      await step.sendEvent("announce", happened(artifactCreated, data));
    }
    const index = { id: INDEX_STEP, kind: INDEX_STEP };
    await recordStep(recorder, index, () => indexArtifact(artifactId));
    return published;
  },
);
