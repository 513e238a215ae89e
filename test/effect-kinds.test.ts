import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { db } from "#db/client.ts";
import { effects } from "#db/schema.ts";
import { decide } from "#lib/approvals/decide.ts";
import { putDeployment } from "#lib/data/deployments.server.ts";
import { readEffect } from "#lib/data/effects.server.ts";
import { findInfraResource } from "#lib/data/infra.server.ts";
import type { Json } from "#lib/effects/definition.ts";
import { sweepOrphans } from "#lib/effects/orphans.ts";
import { performEffect } from "#lib/effects/perform.ts";
import { planEffects } from "#lib/effects/plan.ts";
import { EFFECT_KINDS } from "#lib/effects/registry.ts";
import { Later } from "#lib/errors.ts";
import { newId } from "#lib/ids.ts";
import { providerOf } from "#lib/provision/providers.ts";
import { RESOURCE_TYPES, type ResourceType, TYPES } from "#lib/provision/types.ts";
import { cancelRun } from "#lib/runs/life.ts";
import {
  createDeployment,
  promoteDeployment,
  readDeployment,
  rollBackTo,
} from "#lib/vercel/deployments.ts";
import { listVariables, putVariables } from "#lib/vercel/environment.ts";
import { createProject, listProjects, readProject } from "#lib/vercel/projects.ts";
import { until } from "#local/client.ts";
import { testNeonApi } from "#local/neon-api/testing.ts";
import { testUpstashApi } from "#local/upstash-api/testing.ts";
import { cloud } from "#local/vercel/testing.ts";
import { EffectDesk, OWNER } from "./support/effects.ts";

/** An effect of a kind that is to be brought about, and how often it is there outside. */
interface Scene {
  readonly params: Json;
  there(): Promise<number>;
}

let desk: EffectDesk;
let neon: Awaited<ReturnType<typeof testNeonApi>>;
let upstash: Awaited<ReturnType<typeof testUpstashApi>>;
let vercel: Awaited<ReturnType<typeof cloud>>;
const before: Record<string, string | undefined> = {};

beforeAll(async () => {
  [desk, neon, upstash, vercel] = await Promise.all([
    EffectDesk.open(),
    testNeonApi(inject("neon")),
    testUpstashApi(),
    cloud(),
  ]);
  const more = { PROVIDER_TIMEOUT_SECONDS: "2" };
  for (const env of [neon.part.env, upstash.part.env, vercel.env, more]) {
    for (const [name, value] of Object.entries(env)) {
      before[name] = process.env[name];
      process.env[name] = value;
    }
  }
}, 60_000);
afterAll(async () => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await Promise.all([
    ...[neon, upstash, vercel].map((part) => part?.[Symbol.asyncDispose]()),
    desk?.close(),
  ]);
});

const signal = () => AbortSignal.timeout(20_000);
let count = 0;
const fresh = (what: string) => `${what}-${++count}`;
const repository = () => vercel.at;

const project = () =>
  createProject({ name: fresh("app"), repository: repository(), marker: "by-hand" }, signal());

async function ready(at: { id: string; name: string }, marker: string): Promise<string> {
  const of = { project: { id: at.id, name: at.name }, repository: repository(), ref: "main" };
  const made = await createDeployment({ ...of, sha: await vercel.commit(), marker }, signal());
  await until("a build", async () => (await readDeployment(made.id, signal()))?.state === "ready");
  return made.id;
}

const made = (type: ResourceType) => async (): Promise<Scene> => {
  const resource = fresh("r");
  const named = (all: readonly { name: string }[]) =>
    all.filter(({ name }) => name.startsWith(`${resource}-`)).length;
  return {
    params: { resource, region: TYPES[type].region },
    async there() {
      if (type === "neon.project") {
        const { projects, databases, roles } = await neon.everything();
        // Not only what is listed: a database or role that nothing lists is an orphan too.
        expect(databases).toHaveLength(projects.length);
        expect(roles).toHaveLength(projects.length);
        return named(projects);
      }
      const { indexes, databases, served } = await upstash.everything();
      expect(served).toHaveLength(indexes.length);
      return named(type === "upstash.vector" ? indexes : databases);
    },
  };
};

const removed = (type: ResourceType) => async (): Promise<Scene> => {
  const resource = fresh("r");
  const wanted = { name: `${resource}-x`, region: TYPES[type].region };
  const at = await providerOf(type);
  const { id: externalId } = await at.create(wanted, signal());
  return {
    params: { resource, externalId },
    there: async () => ((await at.read(externalId, signal())) === null ? 1 : 0),
  };
};

interface Kind {
  scene(runId: string): Promise<Scene>;
  readonly part: () => { control(method: string, path: string, body?: unknown): Promise<unknown> };
  /** The call that brings it about. */
  readonly struck: { readonly method: string; readonly path?: string };
}

const partOf = (type: ResourceType) => () => (TYPES[type].provider === "neon" ? neon : upstash);

const KINDS: Readonly<Record<string, Kind>> = {
  "vercel.project": {
    part: () => vercel,
    struck: { method: "POST", path: "/projects" },
    async scene() {
      const name = fresh("made");
      const { owner, repo } = repository();
      return {
        params: { project: name, owner, repo },
        there: async () => (await listProjects(signal())).filter((one) => one.name === name).length,
      };
    },
  },
  "vercel.environment": {
    part: () => vercel,
    struck: { method: "POST", path: "/env" },
    async scene(runId) {
      const at = await project();
      const type = "neon.project" as const;
      const wanted = { name: fresh("db"), region: TYPES[type].region };
      const { id: externalId } = await (await providerOf(type)).create(wanted, signal());
      const of = {
        type,
        part: "url",
        resource: "db",
        externalId,
        mode: "assisted",
        replaces: false,
      };
      return {
        params: {
          ...{ runId, project: at.name, repository: at.repository, target: "production" },
          variables: [{ name: "DATABASE_URL", ...of }],
        },
        async there() {
          const all = await listVariables(at.id, signal());
          return all.filter(({ name }) => name === "DATABASE_URL").length;
        },
      };
    },
  },
  "vercel.deployment": {
    part: () => vercel,
    struck: { method: "POST", path: "/deployments" },
    async scene() {
      const at = await project();
      const { owner, repo } = repository();
      const sha = await vercel.commit();
      const params = { project: at.name, projectId: at.id, owner, repo, ref: "main", sha };
      return {
        params: { ...params, variables: [] },
        async there() {
          const headers = { authorization: `Bearer ${vercel.env.VERCEL_TOKEN}` };
          const url = `${vercel.url}/v7/deployments?projectId=${at.id}`;
          const { deployments } = (await (await fetch(url, { headers })).json()) as {
            deployments: unknown[];
          };
          return deployments.length;
        },
      };
    },
  },
  "vercel.promotion": {
    part: () => vercel,
    struck: { method: "POST", path: "/promote/" },
    async scene() {
      const at = await project();
      const deployment = await ready(at, "by-hand");
      const what = { project: at.name, projectId: at.id, deployment, sha: await vercel.commit() };
      return {
        params: { ...what, url: "http://127.0.0.1", previous: null, rollback: "ask" },
        there: async () => await serves(at.id, deployment),
      };
    },
  },
  "vercel.rollback": {
    part: () => vercel,
    struck: { method: "POST", path: "/rollback/" },
    async scene() {
      const at = await project();
      const [to, from] = [await ready(at, "first"), await ready(at, "second")];
      for (const id of [to, from]) {
        await promoteDeployment(at.id, id, signal());
        await until("a promotion", async () => (await serves(at.id, id)) === 1);
      }
      return {
        params: { project: at.name, projectId: at.id, from, to },
        there: async () => await serves(at.id, to),
      };
    },
  },
  ...Object.fromEntries(
    RESOURCE_TYPES.flatMap((type): [string, Kind][] => [
      [type, { part: partOf(type), struck: { method: "POST" }, scene: made(type) }],
      [
        `${type}.removal`,
        { part: partOf(type), struck: { method: "DELETE" }, scene: removed(type) },
      ],
    ]),
  ),
};

async function serves(projectId: string, deployment: string): Promise<number> {
  return (await readProject(projectId, signal()))?.productionDeploymentId === deployment ? 1 : 0;
}

interface Brought {
  readonly projectId: string;
  readonly effectId: string;
}

/** What is planned and granted, so that only bringing it about is left. @param other what its params say otherwise. */
async function granted(kind: string, other: Json = {}): Promise<Scene & Brought> {
  const run = await desk.run();
  const made = await (KINDS[kind] as Kind).scene(run.runId);
  const scene = { ...made, params: { ...made.params, ...other } };
  return { ...scene, ...(await planned(run, kind, scene.params)) };
}

async function planned(
  { runId, projectId }: { runId: string; projectId: string },
  kind: string,
  params: Json,
): Promise<Brought> {
  const wishes = [{ stepId: "one", kind, params }];
  const { approval, effects: open } = await planEffects({ runId, stepId: "plan", wishes });
  const [effect] = open;
  if (!approval || !effect) throw new Error("nothing to approve");
  const { id: approvalId, intentHash } = approval;
  const eventId = newId("decision");
  await decide({ kind: "granted", projectId, by: OWNER, eventId, approvalId, intentHash });
  return { projectId, effectId: effect.effectId };
}

/** Goes on as Inngest does, until it is confirmed; the time that it asks for passes at once. */
async function broughtAbout(
  { projectId, effectId }: Brought,
  { seen }: { seen: boolean },
): Promise<string | null> {
  return await until(
    "the effect",
    async () => {
      try {
        const done = await performEffect(effectId);
        if (done.outcome === "confirmed") return done.externalId;
        if (done.outcome !== "unknown") throw new Error(`it is ${done.outcome}`);
        // It was not there for as long as it may take to be seen: whoever looks into the other system says so.
        await desk.resolve({ projectId, effectId }, "resend");
        return null;
      } catch (error) {
        if (!(error instanceof Later)) throw error;
      }
      const past = sql`now() - interval '1 second'`;
      // Only where all is seen at once: who cannot see yet what was made must wait, and not repeat.
      const sentAt = seen ? { sentAt: sql`now() - interval '1 hour'` } : {};
      await db()
        .update(effects)
        .set({ leaseExpiresAt: past, ...sentAt })
        .where(eq(effects.id, effectId));
      return null;
    },
    30,
  );
}

const ALL = [
  ...["before", "after", "hang", "hang-after", "close", "close-after", "rate", "delayed-reads"],
  "error500",
];
/** Done and unheard, not done and unheard, and done but not seen: the rest with FULL=1. */
const FAULTS = process.env.FULL ? ALL : ["close-after", "close", "delayed-reads"];

test("every kind that changes something at a provider of target apps is tried here", () => {
  const others = EFFECT_KINDS.filter((kind) => !/^(ledger|repo)\./.test(kind));
  expect(Object.keys(KINDS).sort()).toEqual(others.sort());
});

test.each(Object.keys(KINDS).flatMap((kind) => FAULTS.map((fault) => [kind, fault] as const)))(
  "%s is brought about once though its provider fails: %s",
  async (kind, fault) => {
    const scene = await granted(kind);
    const { effectId, there } = scene;
    const { part, struck } = KINDS[kind] as Kind;
    expect(await there()).toBe(0);
    const times = fault === "error500" ? 2 : 1;
    await part().control("PUT", "/_faults", { ...struck, fault, times, ms: 1000 });
    const id = await broughtAbout(scene, { seen: fault !== "delayed-reads" });
    await part().control("DELETE", "/_faults");
    expect(id).toBeTruthy();
    expect(await there()).toBe(1);
    expect(await performEffect(effectId)).toMatchObject({ outcome: "confirmed", externalId: id });
    expect(await there()).toBe(1);
  },
  60_000,
);

test("a variable that somebody sets while its plan waits keeps its value: the plan is made anew", async () => {
  const scene = await granted("vercel.environment");
  const at = await readProject(String(scene.params.project), signal());
  if (!at) throw new Error("there is no project");
  const byHand = { name: "DATABASE_URL", value: "by-hand", comment: "of Ada" };
  await putVariables(at.id, { target: "production", variables: [byHand] }, signal());
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "moved" });
  expect(await listVariables(at.id, signal())).toContainEqual({
    ...{ name: "DATABASE_URL", targets: ["production"], comment: "of Ada" },
  });
});

test("a promotion that Vercel has taken and not made yet is waited for, and not asked for again", async () => {
  const scene = await granted("vercel.promotion");
  await vercel.control("PUT", "/_hold", { promotions: true });
  await expect(performEffect(scene.effectId)).rejects.toThrow(Later);
  // Whoever asks a second time is refused.
  const refused = { method: "POST", path: "/promote/", fault: "error500", times: 100 };
  await vercel.control("PUT", "/_faults", refused);
  const over = { leaseExpiresAt: sql`now() - interval '1 second'` };
  await db().update(effects).set(over).where(eq(effects.id, scene.effectId));
  await expect(performEffect(scene.effectId)).rejects.toMatchObject({ code: "not_served_yet" });
  await vercel.control("PUT", "/_hold", {});
  await db().update(effects).set(over).where(eq(effects.id, scene.effectId));
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "confirmed" });
  await vercel.control("DELETE", "/_faults");
  expect(await scene.there()).toBe(1);
}, 60_000);

test("a promotion of a canceled run that was made and taken back is not said to be never made", async () => {
  const outcomes: string[] = [];
  for (const made of [true, false]) {
    const scene = await granted("vercel.promotion", { servedBefore: false });
    const [id, name, ours] = ["projectId", "project", "deployment"].map((key) =>
      String(scene.params[key]),
    ) as [string, string, string];
    const past = sql`now() - interval '1 second'`;
    const sent = {
      status: "sent",
      claimToken: "dead",
      sentAt: past,
      leaseExpiresAt: past,
    } as const;
    await db()
      .update(effects)
      .set({ ...sent, attempt: 1 })
      .where(eq(effects.id, scene.effectId));
    if (made) {
      const before = await ready({ id, name }, "before");
      for (const deployment of [before, ours]) {
        await promoteDeployment(id, deployment, signal());
        await until("a promotion", async () => (await serves(id, deployment)) === 1);
      }
      await rollBackTo(id, before, signal());
      await until("its way back", async () => (await serves(id, before)) === 1);
    }
    const { runId } = await readEffect({ id: scene.effectId });
    await cancelRun({ projectId: scene.projectId, runId, by: OWNER, reason: "not any more" });
    await sweepOrphans({ limit: 10, projectId: scene.projectId });
    outcomes.push((await readEffect({ id: scene.effectId })).status);
  }
  expect(outcomes).toEqual(["unknown", "abandoned"]);
}, 60_000);

test("a build that was found unusable since its promotion was approved is not served any more, but planned for anew", async () => {
  const scene = await granted("vercel.promotion");
  const { runId } = await readEffect({ id: scene.effectId });
  const [vercelProjectId, vercelDeploymentId] = [
    scene.params.projectId,
    scene.params.deployment,
  ].map(String);
  await putDeployment({
    ...{ projectId: scene.projectId, runId, deploymentUrl: "https://x.example" },
    ...{ vercelProjectId: vercelProjectId ?? "", vercelDeploymentId: vercelDeploymentId ?? "" },
    metadata: { unusable: "deployment_unhealthy: it answered 503." },
  });
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "moved" });
  expect(await scene.there()).toBe(0);
}, 60_000);

test("what somebody else is having production switched to is waited for, and not overridden", async () => {
  const scene = await granted("vercel.promotion");
  const [id, name] = [String(scene.params.projectId), String(scene.params.project)];
  const other = await ready({ id, name }, "hotfix");
  await vercel.control("PUT", "/_hold", { promotions: true });
  await promoteDeployment(id, other, signal());
  await expect(performEffect(scene.effectId)).rejects.toThrow(/by somebody else/);
  await vercel.control("PUT", "/_hold", {});
  await until(
    "their wish",
    async () => (await readProject(id, signal()))?.productionDeploymentId === other,
  );
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "moved" });
}, 60_000);

test("a build of another commit or of another project is not promoted, nor taken for the one that was, though it is served", async () => {
  const elsewhere = await ready(await project(), "elsewhere");
  const refused = { name: "EffectRefused", code: "deployment_other" };
  for (const other of [{ sha: "0".repeat(40) }, { deployment: elsewhere }]) {
    const scene = await granted("vercel.promotion", other);
    await expect(performEffect(scene.effectId)).rejects.toMatchObject(refused);
    expect(await scene.there()).toBe(0);
  }
  const scene = await granted("vercel.promotion", { sha: "0".repeat(40) });
  const { projectId, deployment } = scene.params;
  // Sent, and the process died; meanwhile somebody else has promoted that build.
  const past = sql`now() - interval '1 second'`;
  await db()
    .update(effects)
    .set({ status: "sent", claimToken: "dead", sentAt: past, leaseExpiresAt: past, attempt: 1 })
    .where(eq(effects.id, scene.effectId));
  await promoteDeployment(String(projectId), String(deployment), signal());
  await until("a promotion", async () => (await scene.there()) === 1);
  await expect(performEffect(scene.effectId)).rejects.toMatchObject(refused);
}, 60_000);

test("what is not to be seen is not removed: another account's key would say so of what lives on", async () => {
  for (const type of ["neon.project", "upstash.redis"] as const) {
    const scene = await granted(`${type}.removal`);
    const at = await providerOf(type);
    await at.remove(String(scene.params.externalId), signal());
    const { runId } = await readEffect({ id: scene.effectId });
    // Nor is it when it is asked for once more.
    for (let time = 1; time <= 2; time++) {
      await expect(performEffect(scene.effectId)).rejects.toMatchObject({
        code: "resource_not_seen",
      });
      expect(await readEffect({ id: scene.effectId })).toMatchObject({ status: "failed" });
      await planned({ ...scene, runId }, `${type}.removal`, scene.params);
    }
  }
});

test("another run's deployment is not adopted, and who named it hears so", async () => {
  const other = await desk.run();
  const at = { vercelProjectId: "prj_other", deploymentUrl: "https://other.vercel.app" };
  const externalId = fresh("dpl_other");
  await putDeployment({ ...other, ...at, vercelDeploymentId: externalId, metadata: {} });
  const scene = await granted("vercel.deployment");
  const { struck } = KINDS["vercel.deployment"] as Kind;
  await vercel.control("PUT", "/_faults", { ...struck, fault: "close", times: 1 });
  await expect(performEffect(scene.effectId)).rejects.toThrow(Later);
  await vercel.control("DELETE", "/_faults");
  await desk.lost(scene);
  const reason = "deployment_of_another";
  expect(await desk.resolve(scene, "adopt", { externalId })).toEqual({ accepted: false, reason });
  expect(await readEffect({ id: scene.effectId })).toMatchObject({ status: "unknown" });
  const [refused] = await desk.said(scene, "effect.resolution_refused");
  expect(refused?.payload).toMatchObject({ reason });
});

test("a resource that a person has named is not ours to remove; one that its marker finds is", async () => {
  const type = "upstash.redis";
  const lost = async (fault: string) => {
    const scene = await granted(type);
    await upstash.control("PUT", "/_faults", { method: "POST", fault });
    await expect(performEffect(scene.effectId)).rejects.toThrow(Later);
    await desk.lost(scene);
    return scene;
  };
  const { provider, resourceType } = TYPES[type];
  const noted = async ({ projectId, params }: Scene & Brought) =>
    await findInfraResource({ projectId, provider, resourceType, name: String(params.resource) });

  const named = await lost("close");
  const wanted = { name: fresh("by-hand"), region: TYPES[type].region };
  const { id: externalId } = await (await providerOf(type)).create(wanted, signal());
  expect(await desk.resolve(named, "adopt", { externalId })).toMatchObject({ accepted: true });
  expect(await noted(named)).toMatchObject({ externalId, metadata: { mode: "assisted" } });

  const found = await lost("close-after");
  expect(await desk.resolve(found, "adopt")).toMatchObject({ accepted: true });
  expect(await noted(found)).toMatchObject({ metadata: { mode: "automated" } });
}, 60_000);

test("a promotion that a person took back before it was recorded is not made again, but planned and approved anew", async () => {
  const at = await project();
  const [previous, deployment] = [await ready(at, "before"), await ready(at, "after")];
  const served = (id: string) => until("production", async () => (await serves(at.id, id)) === 1);
  await promoteDeployment(at.id, previous, signal());
  await served(previous);
  const { served: servedBefore } = (await readDeployment(deployment, signal())) ?? {};
  const what = { project: at.name, projectId: at.id, deployment, sha: await vercel.commit() };
  const params = { ...what, url: "http://127.0.0.1", previous, rollback: "ask", servedBefore };
  const run = await desk.run();
  const { effectId } = await planned(run, "vercel.promotion", params);

  // It is made, and nobody hears of it: as when the process dies.
  await vercel.control("PUT", "/_faults", {
    method: "POST",
    path: "/promote/",
    fault: "close-after",
  });
  await expect(performEffect(effectId)).rejects.toThrow(Later);
  await served(deployment);
  await rollBackTo(at.id, previous, signal());
  await served(previous);
  const over = { leaseExpiresAt: sql`now() - interval '1 second'` };
  await db().update(effects).set(over).where(eq(effects.id, effectId));
  expect(await performEffect(effectId)).toMatchObject({ outcome: "moved" });
  expect(await serves(at.id, previous)).toBe(1);
  expect(await performEffect(effectId)).toMatchObject({ outcome: "moved" });

  // Who approves it now has seen that it was served and taken back.
  const anew = await planned(run, "vercel.promotion", { ...params, servedBefore: true });
  expect(anew.effectId).toBe(effectId);
  expect(await performEffect(effectId)).toMatchObject({ outcome: "confirmed" });
  expect(await serves(at.id, deployment)).toBe(1);
}, 60_000);
