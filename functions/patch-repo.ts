import { invoke } from "inngest";
import { artifactCreated } from "#lib/events/catalogue/delivery.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { makePatch } from "#lib/implementation/patch.ts";
import { recordStep } from "#lib/runs/record.ts";
import { PHASE, runData } from "./phase.ts";

/** The change itself, made against the commit of the preflight; nothing of the repository is run for it. */
export const patchRepo = inngest.createFunction(
  { ...PHASE, id: "patch-repo", triggers: [invoke(runData)] },
  async ({ event, step }) => {
    const ids = event.data;
    const recorder = { ...ids, step, phase: "patch" };
    const patch = await recordStep(recorder, { id: "make", kind: "patch" }, () => makePatch(ids));
    await step.sendEvent("announce", happened(artifactCreated, patch.artifact));
    return patch.artifact;
  },
);
