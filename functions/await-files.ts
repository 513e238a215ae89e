import { invoke } from "inngest";
import { unreadFiles } from "#lib/artifacts/unread.ts";
import { inngest } from "#lib/events/client.ts";
import { recordStep } from "#lib/runs/record.ts";
import { FILES } from "./pauses.ts";
import { PHASE, runData } from "./phase.ts";

/**
 * Waits until the documents that came with a run, or before it, can be found: a run that is asked for together with them is begun
 * before they are read. Bounded by the age of each file. What was not waited for is on record.
 */
export const awaitFiles = inngest.createFunction(
  { ...PHASE, id: "await-files", triggers: [invoke(runData)] },
  async ({ event, step }) => {
    const { runId } = event.data;
    for (let look = 0, quiet = 0; ; look++) {
      const seen = await step.run(`look-${look}`, () => unreadFiles(runId));
      quiet = seen.awaited === 0 ? quiet + 1 : 0;
      // Of several links some are begun later than others: between them there can be none.
      if (quiet > Math.min(look, 1)) {
        const recorder = { step, ...event.data, phase: "files" };
        const kept = { id: "unread", kind: "wait" };
        return await recordStep(recorder, kept, async () => ({ unread: seen.unread }));
      }
      const seconds = quiet > 0 ? 1 : (FILES[look] ?? FILES.at(-1));
      await step.sleep(`settle-${look}`, `${seconds}s`);
    }
  },
);
