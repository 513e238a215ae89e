import { invoke } from "inngest";
import { inngest } from "#lib/events/client.ts";
import { draftResult, MAX_TURNS } from "#lib/implementation/agent/result.ts";
import { recordStep } from "#lib/runs/record.ts";
import { PHASE, runData } from "./phase.ts";

/** A change that a model makes, each turn a recorded step: a run that is resumed pays for none of them again. */
export const draftPatch = inngest.createFunction(
  { ...PHASE, id: "draft-patch", triggers: [invoke(runData)] },
  async ({ event, step }) => {
    const ids = event.data;
    const recorder = { ...ids, step, phase: "draft" };
    let last: number | null = null;
    for (let turn = 1; turn <= MAX_TURNS && last === null; turn++) {
      const done = await recordStep(recorder, { id: `turn-${turn}`, kind: "model" }, async () => {
        // Loaded late: with it come the AI SDK and the vocabulary of tokens.
        const { takeTurn } = await import("#lib/implementation/agent/turn.ts");
        return await takeTurn(ids, turn);
      });
      if (done.finished) last = turn;
    }
    return await recordStep(recorder, { id: "result", kind: "query" }, () =>
      draftResult(ids, last),
    );
  },
);
