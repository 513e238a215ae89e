import { invoke } from "inngest";
import { researchOf } from "#lib/artifacts/research.ts";
import { writeSection } from "#lib/artifacts/write.ts";
import { inngest } from "#lib/events/client.ts";
import { recordStep } from "#lib/runs/record.ts";
import { PHASE, sectionsData } from "./phase.ts";

/** Writes the sections of one artifact, one recorded step each: a run that is resumed pays for none of them again. */
export const writeSections = inngest.createFunction(
  { ...PHASE, id: "write-sections", triggers: [invoke(sectionsData)] },
  async ({ event, step }) => {
    const { sections, inngestRunId, ...work } = event.data;
    const { projectId, runId } = work;
    const phase = `write-${work.kind}`;
    const recorder = { step, projectId, runId, inngestRunId, phase };
    let statements = 0;
    for (const { id, chunkIds } of sections) {
      const inputs = { passages: chunkIds.length };
      const written = await recordStep(recorder, { id, kind: "model", inputs }, async () => {
        const research = await researchOf(runId);
        return await writeSection(work, { id, chunkIds, research, stepId: `${phase}/${id}` });
      });
      statements += written.statements;
    }
    return { sections: sections.length, statements };
  },
);
