import { and, eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeDb } from "#db/client.ts";
import { deployments, effects, runs } from "#db/schema.ts";
import { runStarted } from "#lib/events/catalogue/runs.ts";
import { until } from "#local/client.ts";
import { type TestCloud, testCloud } from "./support/cloud.ts";
import { RunDesk } from "./support/runs.ts";
import { page, SHIP, Shipping } from "./support/shipping.ts";

/** Where nothing can hold a build, only these are built; no script of theirs is run. */
const TRUSTED = "acme/gone,acme/lost,acme/taken,acme/back";

/** What the local Vercel tells of its webhooks. */
interface Deliveries {
  readonly deliveries: readonly { readonly type: string }[];
}

let world: TestCloud;
let desk: RunDesk;
let ship: Shipping;
let projectId: string;

beforeAll(async () => {
  world = await testCloud({ targets: true, env: { SANDBOX_TRUSTED_REPOS: TRUSTED } });
  desk = new RunDesk(world, await world.client());
  ship = new Shipping(world, desk);
  projectId = await desk.project("again");
}, 90_000);
afterAll(async () => {
  await closeDb();
  await world?.close();
});

/** A run that puts this text where production is asked for it; no build of it needs a script. */
async function shipping(project: string, runId: string, content: string, deploy: object = {}) {
  const found = await ship.hub.find("acme", project);
  const repository = found ?? (await ship.connected(projectId, project, { "index.html": "0" }));
  const change = { projectId, runId, path: "index.html", content };
  return await ship.ask(repository, change, { deploy: { project, ...deploy } });
}

test("a deployment that somebody has deleted is gone, not late; asked for again, the run builds another", async () => {
  await ship.vercel("PUT", "/_hold", { builds: true });
  const runId = await shipping("gone", "run-gone", "Gone");
  const given = await ship.grantAll(runId, SHIP.slice(0, 4));
  await desk.reached(runId, "waiting_external", 60);
  const [first] = await ship.deployments(runId);
  await ship.vercel("DELETE", `/v13/deployments/${first?.vercelDeploymentId}`);
  // What was just made may not be seen yet: it counts as gone when that has lasted.
  const startedAt = sql`${deployments.startedAt} - interval '10 minutes'`;
  await world.database.update(deployments).set({ startedAt }).where(eq(deployments.runId, runId));
  const failed = await desk.reached(runId, "failed", 60);
  expect(failed.error).toMatch(/^deployment_gone: .* is not at Vercel any more/);
  expect(failed.remediation).toBeTruthy();

  await ship.vercel("PUT", "/_hold", {});
  await ship.askAgain(runId);
  await ship.grantAll(runId, ["deploy.production", "deploy.production"], given);
  const { result, attempt } = await desk.reached(runId, "succeeded", 60);
  expect(attempt).toBe(2);
  expect(await page((result as { url: string }).url)).toBe("Gone");
  expect((await ship.deployments(runId)).map(({ status }) => status)).toEqual(["queued", "ready"]);
}, 120_000);

test("a run that was lost on its way back has gone back, before it promotes again", async () => {
  const before = await shipping("lost", "run-before", "Before");
  await ship.grantAll(before, SHIP);
  const { result } = await desk.reached(before, "succeeded", 60);
  const { url } = result as { url: string };

  const health = { deadlineSeconds: 5 };
  const runId = await shipping("lost", "run-lost", "After", { health });
  const given = await ship.grantAll(runId, ["repo.push", "repo.merge", "deploy.production"]);
  const promotion = await ship.asked(runId, given);
  await ship.vercel("PUT", "/_hold", { production: true });
  await ship.vercel("PUT", "/_faults", { path: "/rollback/", fault: "hang-after" });
  await desk.decide("granted", promotion);
  const back = async () =>
    (await desk.effects(runId)).find(({ kind }) => kind === "vercel.rollback");
  const gone = async () => {
    const { deliveries } = (await ship.vercel("GET", "/_deliveries")) as Deliveries;
    return deliveries.some(({ type }) => type === "deployment.rollback");
  };
  await until("Vercel to have gone back, which nobody hears", gone, 60);
  await world.cloud.parts.app.kill();
  await ship.vercel("DELETE", "/_faults");
  await ship.vercel("PUT", "/_hold", {});
  expect(await page(url)).toBe("Before");

  // What the sweeper does with a run that nobody has touched for hours; the lease of whoever sent is long over.
  const hoursAgo = sql`now() - interval '6 hours'`;
  await world.database.update(runs).set({ updatedAt: hoursAgo }).where(eq(runs.id, runId));
  await world.database
    .update(effects)
    .set({ leaseExpiresAt: hoursAgo })
    .where(and(eq(effects.runId, runId), eq(effects.status, "sent")));
  Object.assign(process.env, world.cloud.env);
  const { reviveRuns } = await import("#lib/runs/revive.ts");
  const [revived] = await reviveRuns({ limit: 10 });
  expect(revived).toMatchObject({ runId });
  expect(await back()).toMatchObject({ status: "sent" });
  await world.cloud.restart("app");
  const { occasion, ...data } = revived ?? { occasion: "" };
  await desk.client.send({ id: occasion, name: runStarted.name, data });

  await ship.grantAll(runId, ["deploy.production"], [...given, promotion]);
  await desk.reached(runId, "succeeded", 60);
  expect(await page(url)).toBe("After");
  const made = await desk.effects(runId);
  const [rollback] = made.filter(({ stepId }) => stepId === "rollback-1");
  const [again] = made.filter(({ stepId }) => stepId === "promote-2");
  expect([rollback?.status, again?.status]).toEqual(["confirmed", "confirmed"]);
  const told = (await desk.audit(projectId)).map(({ action, subject }) => `${action} ${subject}`);
  const confirmed = told.indexOf(`effect.confirmed ${rollback?.id}`);
  expect(confirmed).toBeGreaterThan(0);
  expect(told.indexOf(`effect.planned ${again?.id}`)).toBeGreaterThan(confirmed);
}, 180_000);

test("production goes back from a build that an earlier start promoted, also when it is bad at its own address", async () => {
  const before = await shipping("back", "run-good", "Before");
  await ship.grantAll(before, SHIP);
  const { result } = await desk.reached(before, "succeeded", 60);
  const { url } = result as { url: string };

  const more = { health: { deadlineSeconds: 5 }, rollback: "ask" };
  const runId = await shipping("back", "run-bad", "After", more);
  const given = await ship.grantAll(runId, ["repo.push", "repo.merge", "deploy.production"]);
  const promotion = await ship.asked(runId, given);
  await ship.vercel("PUT", "/_hold", { production: true });
  await desk.decide("granted", promotion);
  const back = await ship.asked(runId, [...given, promotion]);
  await desk.decide("denied", back);
  const first = await desk.reached(runId, "failed", 60);
  expect(first.error).toMatch(/^production_unhealthy: .* did not go back: /);

  await ship.vercel("PUT", "/_hold", { apps: true });
  await ship.askAgain(runId);
  await ship.grantAll(runId, ["deploy.production"], [...given, promotion, back]);
  const second = await desk.reached(runId, "failed", 60);
  expect(second.error).toMatch(/^production_unhealthy: .* went back to what it served before/);
  await ship.vercel("PUT", "/_hold", {});
  expect(await page(url)).toBe("Before");
  expect(await ship.deployments(runId)).toMatchObject([
    { metadata: { unusable: expect.anything() } },
  ]);
}, 180_000);

test("a promotion that a person took back while the app was dead is asked for anew", async () => {
  const before = await shipping("taken", "run-first", "Before");
  await ship.grantAll(before, SHIP);
  const { result } = await desk.reached(before, "succeeded", 60);
  const { url } = result as { url: string };
  const serves = (text: string) =>
    until(`production to serve ${text}`, async () => (await page(url)) === text, 60);

  const runId = await shipping("taken", "run-taken", "After");
  const given = await ship.grantAll(runId, ["repo.push", "repo.merge", "deploy.production"]);
  const promotion = await ship.asked(runId, given);
  await ship.vercel("PUT", "/_faults", { path: "/promote/", fault: "hang-after" });
  await desk.decide("granted", promotion);
  await serves("After");
  await world.cloud.parts.app.kill();
  await ship.vercel("DELETE", "/_faults");
  const [first] = await ship.deployments(before);
  const { vercelProjectId: at, vercelDeploymentId: good } = first ?? {};
  await ship.vercel("POST", `/v1/projects/${at}/rollback/${good}`);
  await serves("Before");

  const leaseExpiresAt = sql`now() - interval '1 second'`;
  await world.database
    .update(effects)
    .set({ leaseExpiresAt })
    .where(and(eq(effects.runId, runId), eq(effects.status, "sent")));
  await world.cloud.restart("app");
  const anew = await ship.asked(runId, [...given, promotion]);
  expect(anew).toMatchObject({
    scope: "deploy.production",
    intentSummary: expect.stringContaining("which it has served before"),
  });
  expect(await page(url)).toBe("Before");
  await desk.decide("granted", anew);
  await desk.reached(runId, "succeeded", 60);
  expect(await page(url)).toBe("After");
}, 180_000);
