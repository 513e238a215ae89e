import { afterAll, beforeAll, expect, test } from "vitest";
import { testUpstashApi } from "#local/upstash-api/testing.ts";
import { cloud } from "#local/vercel/testing.ts";
import { EffectDesk, OWNER } from "../../test/support/effects.ts";
import { setEnv } from "../../test/support/environment.ts";
import { decide } from "../approvals/decide.ts";
import { performEffect } from "../effects/perform.ts";
import { planEffects } from "../effects/plan.ts";
import { newId } from "../ids.ts";
import { providerOf } from "../provision/providers.ts";
import { TYPES } from "../provision/types.ts";
import { promoteDeployment } from "../vercel/deployments.ts";
import { removeVariable } from "../vercel/environment.ts";
import { sweepDrift } from "./sweep.ts";

let desk: EffectDesk;
let vercel: Awaited<ReturnType<typeof cloud>>;
let upstash: Awaited<ReturnType<typeof testUpstashApi>>;
const signal = () => AbortSignal.timeout(20_000);
const TYPE = "upstash.redis";

beforeAll(async () => {
  [desk, vercel, upstash] = await Promise.all([
    EffectDesk.open(),
    cloud({ files: { "index.html": "<h1>Static</h1>\n" } }),
    testUpstashApi(),
  ]);
  await setEnv({ ...vercel.env, ...upstash.part.env });
});
afterAll(() =>
  Promise.all([...[vercel, upstash].map((part) => part?.[Symbol.asyncDispose]()), desk?.close()]),
);

/** An effect of a run of its own that is granted. */
async function granted(kind: string, params: Record<string, unknown>) {
  const run = await desk.run();
  const { runId, projectId } = run;
  const wishes = [
    { stepId: "one", kind, params: { ...params, ...(params.target ? { runId } : {}) } },
  ];
  const { approval, effects } = await planEffects({ runId, stepId: "plan", wishes });
  if (!approval || !effects[0]) throw new Error("nothing to approve");
  const { id: approvalId, intentHash } = approval;
  const said = { projectId, by: OWNER, eventId: newId("decision") };
  await decide({ ...said, kind: "granted", approvalId, intentHash });
  return { ...run, effectId: effects[0].effectId, approval };
}

/** A project at Vercel whose variables are filled from a database that was there, each setting by an effect of its own. */
async function filled() {
  const at = await vercel.project();
  const database = { name: `by-hand-${at.name}`, region: TYPES[TYPE].region };
  const { id: externalId } = await (await providerOf(TYPE)).create(database, signal());
  const setting = (...names: string[]) =>
    granted("vercel.environment", {
      ...{ project: at.name, target: "production" },
      repository: `${vercel.at.owner}/${vercel.at.repo}`,
      variables: names.map((name) => ({
        ...{ name, type: TYPE, part: "url", resource: "db", externalId },
        ...{ mode: "assisted", replaces: false },
      })),
    });
  const set = async (...names: string[]) => performEffect((await setting(...names)).effectId);
  return { at, setting, set, remove: (name: string) => removeVariable(at.id, name, signal()) };
}

const sweep = () => sweepDrift({ limit: 100, olderThanMs: 0 });

test("a variable that a later run has not touched is looked at by the effect that set it", async () => {
  const { set, remove } = await filled();
  await set("FIRST", "SHARED");
  await set("LATER", "OTHER");
  expect(await sweep()).toMatchObject({ found: 0, failed: 0 });
  await remove("FIRST");
  expect(await sweep()).toMatchObject({ found: 1, gone: 0 });
  // Nothing about it is said by what is set later, as long as it is not this.
  await set("THIRD");
  expect(await sweep()).toMatchObject({ found: 0, gone: 0 });
  await set("FIRST");
  expect(await sweep()).toMatchObject({ found: 0, gone: 1 });
  // Now it is the newest effect's, and of that one alone.
  await remove("FIRST");
  expect(await sweep()).toMatchObject({ found: 1, gone: 0 });
  await set("FIRST");
  expect(await sweep()).toMatchObject({ found: 0, gone: 1 });
});

test("while it is not known what a newer effect has done, a finding stays open", async () => {
  const { set, setting, remove } = await filled();
  await set("FIRST");
  await remove("FIRST");
  expect(await sweep()).toMatchObject({ found: 1, gone: 0 });
  const scene = await setting("FIRST");
  await vercel.control("PUT", "/_faults", { method: "POST", path: "/env", fault: "close" });
  await expect(performEffect(scene.effectId)).rejects.toMatchObject({
    code: "effect_outcome_open",
  });
  expect(await sweep()).toMatchObject({ found: 0, gone: 0 });
  await desk.leaseOver(scene);
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "confirmed" });
  expect(await sweep()).toMatchObject({ found: 0, gone: 1 });
});

test("what production serves is as the newest promotion says, or a finding stays open", async () => {
  const at = await vercel.project();
  const sha = await vercel.commit();
  const built = async () => (await vercel.reached((await vercel.deploy(at)).id)).id;
  const promoting = (deployment: string, previous: string | null) =>
    granted("vercel.promotion", {
      ...{ project: at.name, projectId: at.id, deployment, sha, previous },
      ...{ url: "http://127.0.0.1", rollback: "ask" },
    });
  const [first, byHand, second] = [await built(), await built(), await built()];
  await performEffect((await promoting(first, null)).effectId);
  await promoteDeployment(at.id, byHand, signal());
  expect(await sweep()).toMatchObject({ found: 1, gone: 0 });
  const scene = await promoting(second, byHand);
  await vercel.control("PUT", "/_faults", { method: "POST", path: "/promote/", fault: "close" });
  await expect(performEffect(scene.effectId)).rejects.toMatchObject({
    code: "effect_outcome_open",
  });
  expect(await sweep()).toMatchObject({ found: 0, gone: 0 });
  await desk.leaseOver(scene);
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "confirmed" });
  expect(await sweep()).toMatchObject({ found: 0, gone: 1 });
});
