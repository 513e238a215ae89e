import { afterAll, beforeAll, expect, test } from "vitest";
import { cloud } from "#local/vercel/testing.ts";
import { EffectDesk, ENGINE, OWNER } from "../../test/support/effects.ts";
import { setEnv } from "../../test/support/environment.ts";
import { decide } from "../approvals/decide.ts";
import { beginStep, endStep } from "../data/run-steps.server.ts";
import { performEffect } from "../effects/perform.ts";
import { planEffects } from "../effects/plan.ts";
import { newId } from "../ids.ts";
import { acceptRun } from "../runs/accept.ts";
import { beginRun } from "../runs/life.ts";
import { lookAtBuild, lookAtHealth } from "./look.ts";
import { deploymentOf } from "./state.ts";

let desk: EffectDesk;
let vercel: Awaited<ReturnType<typeof cloud>>;
const FILES = { "index.html": "<h1>Static</h1>\n" };

beforeAll(async () => {
  [desk, vercel] = await Promise.all([EffectDesk.open(), cloud({ files: FILES })]);
  await setEnv(vercel.env);
});
afterAll(() => Promise.all([vercel?.[Symbol.asyncDispose](), desk?.close()]));

/** A run that deploys to a project at Vercel, after its preflight. */
async function deploying(project: string) {
  const { projectId } = await desk.run();
  const runId = newId("run");
  const { owner, repo } = vercel.at;
  const input = {
    ...{ target: "repository", repository: `${owner}/${repo}`, title: "A change" },
    changes: { from: "files", files: [{ path: "a", content: "a" }] },
    deploy: { project },
  };
  const asked = { projectId, runId, kind: "implementation" as const, requestedBy: OWNER };
  await acceptRun({ ...asked, input, eventId: newId("run") });
  await beginRun({ runId, inngestRunId: ENGINE });
  const step = { runId, inngestRunId: ENGINE, stepId: "preflight/check" };
  await beginStep({ ...step, stepName: "check", kind: "preflight" });
  const outputs = {
    ...{
      repoId: "repo_1",
      owner,
      repo,
      cloneUrl: "",
      baseBranch: "main",
      base: "0",
      artifacts: [],
    },
  };
  await endStep(step, { outputs });
  return { projectId, runId };
}

/** A run whose build was sent and lost, until its owner named this deployment, and no address. */
async function adopted(at: { id: string; name: string }, externalId: string, sha: string) {
  const { projectId, runId } = await deploying(at.name);
  const { owner, repo } = vercel.at;
  const where = { project: at.name, projectId: at.id, owner, repo, ref: "main", sha };
  const params = { ...where, variables: [] };
  const wishes = [{ stepId: "deploy-1", kind: "vercel.deployment", params }];
  const { approval, effects } = await planEffects({ runId, stepId: "deploy", wishes });
  if (!approval || !effects[0]) throw new Error("nothing to approve");
  const said = { projectId, by: OWNER, eventId: newId("decision") };
  const { id: approvalId, intentHash } = approval;
  await decide({ ...said, kind: "granted", approvalId, intentHash });
  const { effectId } = effects[0];
  await vercel.control("PUT", "/_faults", { path: "/v13/deployments", fault: "close" });
  await expect(performEffect(effectId)).rejects.toMatchObject({ code: "effect_outcome_open" });
  const scene = { projectId, runId, effectId, approval, book: "" };
  await desk.lost(scene);
  expect(await desk.resolve(scene, "adopt", { externalId })).toMatchObject({ accepted: true });
  return { runId, inngestRunId: ENGINE, look: 1, since: Date.now() };
}

test("a build that a person has named is asked at the address that Vercel says", async () => {
  const at = await vercel.project();
  const made = await vercel.deploy(at);
  await vercel.reached(made.id);
  const ours = await adopted(at, made.id, await vercel.commit());
  expect(await deploymentOf(ours.runId)).toMatchObject({ deploymentUrl: "" });
  expect(await lookAtBuild(ours)).toMatchObject({ outcome: "ready", url: made.url });
  expect(await deploymentOf(ours.runId)).toMatchObject({ deploymentUrl: made.url });
  const seen = await lookAtHealth({ ...ours, place: "deployment" });
  expect(seen).toMatchObject({ outcome: "healthy", url: made.url });
});

test("a build of another commit or project that a person has named is not used: the run builds another", async () => {
  const at = await vercel.project();
  const before = await vercel.deploy(at);
  await vercel.github.push(vercel.at, "main", { "index.html": "<h1>Newer</h1>\n" });
  const sha = await vercel.commit();
  const elsewhere = await vercel.deploy(await vercel.project(), { sha });
  for (const { id } of [before, elsewhere]) {
    await vercel.reached(id);
    const ours = await adopted(at, id, sha);
    expect(await lookAtBuild(ours)).toMatchObject({
      ...{ outcome: "bad", error: expect.stringMatching(/^deployment_other: /) },
    });
    const { metadata } = await deploymentOf(ours.runId);
    expect(metadata.unusable).toMatch(/^deployment_other: /);
  }
});
