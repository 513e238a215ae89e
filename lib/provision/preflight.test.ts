import { afterAll, beforeAll, expect, test } from "vitest";
import { cloud } from "#local/vercel/testing.ts";
import { EffectDesk, OWNER } from "../../test/support/effects.ts";
import { setEnv } from "../../test/support/environment.ts";
import { decide } from "../approvals/decide.ts";
import { performEffect } from "../effects/perform.ts";
import { planEffects } from "../effects/plan.ts";
import { newId } from "../ids.ts";
import { readProject } from "../vercel/projects.ts";
import { deployInput } from "./input.ts";
import { preflightDeploy } from "./preflight.ts";

let desk: EffectDesk;
let vercel: Awaited<ReturnType<typeof cloud>>;
const signal = () => AbortSignal.timeout(20_000);

beforeAll(async () => {
  [desk, vercel] = await Promise.all([EffectDesk.open(), cloud()]);
  await setEnv(vercel.env);
});
afterAll(() => Promise.all([vercel?.[Symbol.asyncDispose](), desk?.close()]));

/** A project that an effect of a run has begun to make: production of it serves each push still. */
async function halfMade(project: string) {
  const run = await desk.run();
  const { owner, repo } = vercel.at;
  const wishes = [{ stepId: "one", kind: "vercel.project", params: { project, owner, repo } }];
  const { runId, projectId } = run;
  const { approval, effects } = await planEffects({ runId, stepId: "plan", wishes });
  if (!approval || !effects[0]) throw new Error("nothing to approve");
  const { id: approvalId, intentHash } = approval;
  const said = { projectId, by: OWNER, eventId: newId("decision") };
  await decide({ ...said, kind: "granted", approvalId, intentHash });
  const cut = { method: "PATCH", path: "/v9/projects/", fault: "before" };
  await vercel.control("PUT", "/_faults", cut);
  const scene = { ...run, effectId: effects[0].effectId, approval };
  const heard = await performEffect(scene.effectId).catch((error: unknown) => error);
  expect(heard).toMatchObject({ code: "effect_outcome_open" });
  expect(await readProject(project, signal())).toMatchObject({ automatic: true });
  return scene;
}

const judged = (project: string) =>
  preflightDeploy(deployInput.parse({ project }), `${vercel.at.owner}/${vercel.at.repo}`);
const refused = { code: "vercel_project_automatic" };

test("a project of ours that serves each push is let pass only while its effect will still finish it", async () => {
  const scene = await halfMade("ours");
  await judged("ours");
  await desk.leaseOver(scene);
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "confirmed" });
  await judged("ours");
  const { id } = (await readProject("ours", signal())) ?? {};
  await vercel.control("PATCH", `/v9/projects/${id}`, { autoAssignCustomDomains: true });
  await expect(judged("ours")).rejects.toMatchObject(refused);
});

test("a project that nothing will finish does not pass by its marker", async () => {
  const scene = await halfMade("left");
  await desk.lost(scene);
  await judged("left");
  expect(await desk.resolve(scene, "abandon")).toMatchObject({ accepted: true });
  await expect(judged("left")).rejects.toMatchObject(refused);

  const { owner, repo } = vercel.at;
  await vercel.control("POST", "/v11/projects", {
    ...{ name: "elsewhere", gitRepository: { type: "github", repo: `${owner}/${repo}` } },
    environmentVariables: [
      {
        ...{ key: "COUNTERSIGN_EFFECT", value: "eff_of_nobody" },
        ...{ type: "plain", target: ["development"] },
      },
    ],
  });
  expect(await readProject("elsewhere", signal())).toMatchObject({ marker: "eff_of_nobody" });
  await expect(judged("elsewhere")).rejects.toMatchObject(refused);
});
