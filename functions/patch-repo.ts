import { invoke } from "inngest";
import { readRun } from "#lib/data/runs.server.ts";
import { artifactCreated } from "#lib/events/catalogue/delivery.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { makePatch } from "#lib/implementation/patch.ts";
import { openBase } from "#lib/implementation/repository.ts";
import { type Basis, basisOf, type Patch, type RunIds } from "#lib/implementation/work.ts";
import { recordStep } from "#lib/runs/record.ts";
import { recordWork } from "#lib/sandbox/jobs.ts";
import { PHASE, runData } from "./phase.ts";

/** The change itself, made against the commit of the preflight; nothing of the repository is run for it. */
export const patchRepo = inngest.createFunction(
  { ...PHASE, id: "patch-repo", triggers: [invoke(runData)] },
  async ({ event, step }) => {
    const ids = event.data;
    const recorder = { ...ids, step, phase: "patch" };
    const patch = await recordStep(recorder, { id: "make", kind: "patch" }, () => asJob(ids));
    await step.sendEvent("announce", happened(artifactCreated, patch.artifact));
    return patch.artifact;
  },
);

/** Each start of the run has a job of its own: what failed in one may work in the next. */
async function asJob({ projectId, runId }: RunIds): Promise<Patch> {
  const [{ attempt }, { base }] = await Promise.all([readRun({ id: runId }), basisOf(runId)]);
  const stepId = `patch/make.${attempt}`;
  const job = { projectId, runId, stepId, commitSha: base, isolation: "git" };
  const clone = async (basis: Basis) => {
    // Left to whoever asked for it, unless the job was canceled meanwhile.
    await using unused = new AsyncDisposableStack();
    const repository = await recordWork({ ...job, jobType: "repo.clone" }, async (say) => {
      say(`${basis.cloneUrl} at ${basis.base}, without history`);
      return unused.use(await openBase(basis));
    });
    unused.move();
    return repository;
  };
  return await recordWork({ ...job, jobType: "repo.applyPatch" }, async (say) => {
    say(`against ${base}`);
    const patch = await makePatch({ projectId, runId }, clone);
    say(`${patch.files} files changed, the tree is ${patch.tree}`);
    return patch;
  });
}
