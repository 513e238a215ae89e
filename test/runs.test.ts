import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { artifacts } from "#db/schema.ts";
import { until } from "#local/client.ts";
import { OWNER, type TestCloud, testCloud } from "./support/cloud.ts";
import { RunDesk } from "./support/runs.ts";

let world: TestCloud;
let desk: RunDesk;
let projectId: string;

beforeAll(async () => {
  world = await testCloud();
  desk = new RunDesk(world, await world.client());
  projectId = await desk.project("runs");
}, 90_000);
afterAll(() => world?.close());

const ENTRIES = [
  { name: "a", value: "1" },
  { name: "b", value: "2" },
];

test("a run asks, waits, does what was approved, and every step of it is on record", async () => {
  const project = await desk.project("record");
  const runId = await desk.ask(project, "record", ENTRIES);
  const approval = await desk.approval(runId);
  expect(approval).toMatchObject({ scope: "ledger.write", requestedBy: "ci", approvers: [OWNER] });
  await desk.reached(runId, "waiting_approval");
  await desk.decide("granted", approval);
  await desk.reached(runId, "succeeded");
  expect(await desk.objects("record")).toEqual(["a", "b"]);
  expect((await desk.effects(runId)).map(({ status }) => status)).toEqual([
    "confirmed",
    "confirmed",
  ]);
  const once = ["effect.claimed", "effect.sent", "effect.confirmed"];
  const told = (await desk.audit(project)).map(({ action }) => action);
  // Its bundle comes after its end.
  expect(told.slice(0, told.indexOf("run.succeeded") + 1)).toEqual([
    ...["run.requested", "run.running", "effect.planned", "effect.planned", "approval.requested"],
    ...["run.waiting_approval", "approval.decision", "approval.granted"],
    ...["effect.approved", "effect.approved", "run.running", "approval.used"],
    ...[...once, ...once, "run.succeeded"],
  ]);
});

test("mode plan publishes the plan and changes nothing", async () => {
  const runId = await desk.ask(projectId, "planned", ENTRIES, { mode: "plan" });
  const { result } = await desk.reached(runId, "succeeded");
  const planArtifactId = String(result?.planArtifactId);
  const [plan] = await world.database
    .select()
    .from(artifacts)
    .where(eq(artifacts.id, planArtifactId));
  expect(plan).toMatchObject({ kind: "PLAN", runId });
  expect(plan?.content).toContain('+ name: "a"');
  expect(await desk.approvals(runId)).toEqual([]);
  expect(await desk.effects(runId)).toEqual([]);
  expect(await desk.objects("planned")).toEqual([]);
});

test("the same run asked for again and again is one run", async () => {
  const runId = "run-again";
  await Promise.all([1, 2, 3].map(() => desk.request(projectId, runId, "again", ENTRIES)));
  const approval = await desk.approval(runId);
  await desk.request(projectId, runId, "again", ENTRIES);
  await Promise.all([desk.decide("granted", approval), desk.decide("granted", approval)]);
  await desk.reached(runId, "succeeded");
  await desk.request(projectId, runId, "again", ENTRIES);
  expect(await desk.objects("again")).toEqual(["a", "b"]);
  expect(await desk.approvals(runId)).toHaveLength(1);
  expect(await desk.run(runId)).toMatchObject({ status: "succeeded", attempt: 1 });
});

test("a denied run fails with what can be done, and goes on where it stopped when asked again", async () => {
  const runId = await desk.ask(projectId, "denied", ENTRIES);
  await desk.decide("denied", await desk.approval(runId), { note: "not on a Friday" });
  const failed = await desk.reached(runId, "failed");
  expect(failed.error).toMatch(/^approval_denied: /);
  expect(failed.remediation).toContain("denied");
  expect(await desk.objects("denied")).toEqual([]);

  await desk.request(projectId, runId, "denied", ENTRIES);
  await desk.decide("granted", await desk.approval(runId));
  expect(await desk.reached(runId, "succeeded")).toMatchObject({ attempt: 2, error: null });
  expect(await desk.objects("denied")).toEqual(["a", "b"]);
});

test("a refusal half-way fails the run; asked again it repeats nothing that was done", async () => {
  await desk.ledger("POST", "/books/taken/objects", {
    ...{ kind: "entry", name: "b", value: "somebody else's", head: "h0", marker: "other" },
  });
  const runId = await desk.ask(projectId, "taken", [...ENTRIES, { name: "c", value: "3" }]);
  await desk.decide("granted", await desk.approval(runId));
  const failed = await desk.reached(runId, "failed");
  expect(failed.error).toMatch(/^ledger_refused: /);
  expect((await desk.effects(runId)).map(({ status }) => status)).toEqual([
    ...["confirmed", "failed", "approved"],
  ]);
  await desk.request(projectId, runId, "taken", ENTRIES);
  // Only what was refused needs another grant: what was approved with it still is.
  const second = await desk.approval(runId);
  expect((await desk.effects(runId)).map(({ approvalId }) => approvalId === second.id)).toEqual([
    ...[false, true, false],
  ]);
  await desk.decide("denied", second);
  await desk.reached(runId, "failed");
  expect(await desk.objects("taken")).toEqual(["b", "a"]);
});

test("a head that moves after the grant needs a new plan and a new grant", async () => {
  const runId = await desk.ask(projectId, "moving", ENTRIES);
  const first = await desk.approval(runId);
  await desk.ledger("PUT", "/books/moving/head", { head: "h1" });
  await desk.decide("granted", first);
  const second = await desk.approval(runId, "pending", first);
  expect(second.intentHash).not.toBe(first.intentHash);
  expect(await desk.objects("moving")).toEqual([]);
  await desk.decide("granted", second);
  await desk.reached(runId, "succeeded");
  expect(await desk.objects("moving")).toEqual(["a", "b"]);
});

test("a canceled run does nothing more, and its approval is void", async () => {
  const runId = await desk.ask(projectId, "canceled", ENTRIES);
  const approval = await desk.approval(runId);
  await desk.reached(runId, "waiting_approval");
  const data = { projectId, runId, by: OWNER, reason: "no longer wanted" };
  await desk.client.send({ name: "run.cancel.requested", data });
  await desk.reached(runId, "canceled");
  await desk.decide("granted", approval);
  await desk.approval(runId, "superseded");
  expect((await desk.effects(runId)).map(({ status }) => status)).toEqual([
    ...["abandoned", "abandoned"],
  ]);
  const [event] = await desk.client.send({ name: "run.cancel.requested", data });
  await desk.client.runs([event ?? ""]);
  expect((await desk.run(runId)).status).toBe("canceled");
  expect(await desk.objects("canceled")).toEqual([]);
});

test("a cancel that overtakes the request for its run cancels it", async () => {
  const runId = "run-overtaken";
  const data = { projectId, runId, by: OWNER, reason: "changed my mind" };
  await desk.client.send({ name: "run.cancel.requested", data });
  await desk.request(projectId, runId, "overtaken", ENTRIES);
  await desk.reached(runId, "canceled");
});

test.concurrent.each([
  ["resend", "unseen"],
  ["adopt", "made-by-hand"],
] as const)(
  "what nobody can find waits for a person, who says %s",
  async (resolution, book) => {
    const runId = await desk.ask(projectId, book, [{ kind: "note", name: "n", value: "1" }]);
    const approval = await desk.approval(runId);
    await desk.ledger("PUT", "/_faults", { book, fault: "hang", times: 1, ms: 3000 });
    await desk.decide("granted", approval);
    const effect = await until(
      "an unknown effect",
      async () => (await desk.effects(runId)).find(({ status }) => status === "unknown"),
      60,
    );
    expect(effect).toMatchObject({ attempt: 1 });
    // The other is told before the run waits.
    if (resolution === "adopt") {
      await desk.reached(runId, "waiting_external", 60);
      const { marker } = effect;
      const note = { kind: "note", name: "n", value: "1", head: "h0", marker };
      await desk.ledger("POST", `/books/${book}/objects`, note);
    }
    const data = { projectId, effectId: effect.id, resolution };
    const resolve = (by: string) =>
      desk.client.send({ name: "effect.resolved", data: { ...data, by } });
    if (resolution === "adopt") {
      await desk.client.runs(await resolve("stranger"));
      expect(await desk.effects(runId)).toMatchObject([{ status: "unknown" }]);
    }
    await resolve(OWNER);
    await desk.reached(runId, "succeeded");
    expect(await desk.objects(book)).toEqual(["n"]);
  },
  90_000,
);

test("a run that was asked for before its project was made waits for it a while", async () => {
  const project = "early";
  const runId = await desk.ask(project, "early", ENTRIES);
  await desk.project(project);
  await desk.decide("granted", await desk.approval(runId));
  await desk.reached(runId, "succeeded");
});

test("a project that is deleted takes its waiting runs with it, and nothing of them is done", async () => {
  const project = await desk.project("deleted");
  const runId = await desk.ask(project, "deleted", ENTRIES);
  const approval = await desk.approval(runId);
  await desk.client.send({ name: "project.deleted", data: { projectId: project, by: OWNER } });
  await until("gone", async () => (await desk.approvals(runId)).length === 0);
  const [late] = await desk.client.send({
    name: "approval.granted",
    data: {
      projectId: project,
      approvalId: approval.id,
      intentHash: approval.intentHash,
      by: OWNER,
    },
  });
  await desk.client.runs([late ?? ""]);
  expect(await desk.objects("deleted")).toEqual([]);
  expect((await desk.audit(project)).map(({ action }) => action)).toContain("run.canceled");
});

test("an input that its kind refuses ends before there is a run", async () => {
  const [event] = await desk.client.send({
    name: "run.requested",
    data: {
      ...{ projectId, runId: "run-bad", kind: "implementation", requestedBy: "ci" },
      input: { target: "ledger", book: "Not A Book", entries: [] },
    },
  });
  expect(await desk.client.runs([event ?? ""])).toEqual(["Failed"]);
  await expect(desk.run("run-bad")).rejects.toThrow("no run");
});
