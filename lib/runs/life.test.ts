import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { runs } from "#db/schema.ts";
import { EffectDesk, ENGINE, OWNER, type Scene } from "../../test/support/effects.ts";
import { setEnv } from "../../test/support/environment.ts";
import { publishArtifact } from "../data/artifacts.server.ts";
import { beginProjectDelete, deleteProject } from "../data/projects.server.ts";
import { readRun } from "../data/runs.server.ts";
import { claimEffect } from "../effects/claim.ts";
import { settleInFlight } from "../effects/orphans.ts";
import { performEffect } from "../effects/perform.ts";
import { newId } from "../ids.ts";
import { acceptRun } from "./accept.ts";
import { cancelRuns } from "./cancel-all.ts";
import { beginRun, cancelAsAsked, cancelRun, failRun, setRunStatus, succeedRun } from "./life.ts";
import { reviveRuns } from "./revive.ts";

let desk: EffectDesk;
beforeAll(async () => {
  desk = await EffectDesk.open();
});
afterAll(() => desk.close());

const actions = async ({ projectId, runId }: Pick<Scene, "projectId" | "runId">) =>
  (await desk.told(projectId, runId)).map(({ action }) => action);

test("a run that is canceled at the last moment has not succeeded", async () => {
  const run = await desk.run();
  const { projectId, runId } = run;
  const ours = { runId, inngestRunId: ENGINE };
  await cancelRun({ projectId, runId, by: OWNER, reason: "no longer wanted" });
  expect(await succeedRun(ours, { done: true })).toBe(false);
  expect(await readRun({ id: runId })).toMatchObject({ status: "canceled", result: null });
  expect(await actions(run)).toEqual(["run.requested", "run.running", "run.canceled"]);
});

test("a wish to cancel waits for its run, and leaves another project's alone", async () => {
  const { projectId, runId } = await desk.run();
  const said = { projectId, runId, by: OWNER, reason: "no longer wanted" };
  const early = cancelAsAsked({ ...said, runId: newId("run") });
  await expect(early).rejects.toMatchObject({ code: "run_not_found", retry: true, afterMs: 1000 });
  const other = await desk.run();
  expect(await cancelAsAsked({ ...said, projectId: other.projectId })).toEqual({
    outcome: "not of this project",
  });
  expect(await readRun({ id: runId })).toMatchObject({ status: "running" });
  expect(await cancelAsAsked(said)).toEqual({ outcome: "canceled" });
});

test("a run that goes on has the input that it was asked for with, whatever has become a secret since, and another budget", async () => {
  const { projectId } = await desk.run();
  const [runId, title] = [newId("run"), "words that nobody minds"];
  const changes = { from: "files", files: [{ path: "a.txt", content: "a" }] };
  const input = { target: "repository", repository: "acme/app", title, changes };
  const ask = async (more: object) => {
    const asked = { projectId, runId, kind: "implementation" as const, requestedBy: OWNER };
    return await acceptRun({ ...asked, input: { ...input, ...more }, eventId: newId("run") });
  };
  await ask({});
  const asked = await readRun({ id: runId });
  await beginRun({ runId, inngestRunId: ENGINE });
  await failRun({ runId, inngestRunId: ENGINE, error: "out: of luck" });
  const { LEDGER_TOKEN } = process.env;
  await setEnv({ LEDGER_TOKEN: title });
  const budget = { calls: 7 };
  try {
    expect(await ask({ budget })).toMatchObject({ outcome: "resumed" });
  } finally {
    await setEnv({ LEDGER_TOKEN });
  }
  expect((await readRun({ id: runId })).input).toEqual({ ...asked.input, budget });
});

test("a run that has succeeded has, for whoever says so again, and for nobody else", async () => {
  const run = await desk.run();
  const ours = { runId: run.runId, inngestRunId: ENGINE };
  expect(await succeedRun({ ...ours, inngestRunId: "another" }, {})).toBe(false);
  expect(await succeedRun(ours, { done: true })).toBe(true);
  expect(await succeedRun(ours, { done: false })).toBe(true);
  expect(await succeedRun({ ...ours, inngestRunId: "another" }, {})).toBe(false);
  expect(await readRun({ id: run.runId })).toMatchObject({ result: { done: true } });
  expect((await actions(run)).filter((action) => action === "run.succeeded")).toHaveLength(1);
});

test("a run that failed, or was canceled by the engine, is so again for whoever says it again, and for nobody else", async () => {
  const run = await desk.run();
  const { projectId, runId } = run;
  const fail = { runId, inngestRunId: ENGINE, error: "out: of luck" };
  const first = await failRun(fail);
  expect(first).toMatchObject({ outcome: "failed", error: "out: of luck", attempt: 1 });
  expect(await failRun({ ...fail, error: "said: otherwise" })).toEqual(first);
  expect(await failRun({ ...fail, inngestRunId: "another" })).toEqual({ outcome: "ended before" });
  expect((await actions(run)).filter((action) => action === "run.failed")).toHaveLength(1);
  await desk.begin(run);
  const stop = {
    projectId,
    runId,
    by: "inngest",
    reason: "in the dashboard",
    inngestRunId: ENGINE,
  };
  expect(await cancelRun(stop)).toEqual({ outcome: "canceled" });
  expect(await cancelRun(stop)).toEqual({ outcome: "canceled" });
  expect(await failRun(fail)).toEqual({ outcome: "ended before" });
  expect((await actions(run)).filter((action) => action === "run.canceled")).toHaveLength(1);

  // The engine ends its run after a person has canceled ours: that was announced.
  const other = await desk.run();
  await cancelRun({ ...stop, ...other, by: OWNER });
  expect(await cancelRun({ ...stop, ...other })).toEqual({ outcome: "ended before" });
});

test("a run that failed goes on as what it is: asked for as another kind, it would wake the wrong function", async () => {
  const { projectId, runId } = await desk.run();
  await failRun({ runId, inngestRunId: ENGINE, error: "out: of luck" });
  const ask = { projectId, runId, requestedBy: OWNER, input: {}, eventId: "as research" };
  const asked = acceptRun({ ...ask, kind: "research" });
  await expect(asked).rejects.toMatchObject({ code: "run_kind_differs", retry: false });
  expect(await readRun({ id: runId })).toMatchObject({ status: "failed", attempt: 1 });
});

test("a run that applies does not go on for somebody who asks for its plan alone", async () => {
  const { projectId, runId, book } = await desk.run();
  await failRun({ runId, inngestRunId: ENGINE, error: "out: of luck" });
  const input = { target: "ledger", book, entries: [{ kind: "entry", name: "n", value: "v" }] };
  const ask = { projectId, runId, kind: "implementation", requestedBy: OWNER, input } as const;
  const planned = acceptRun({ ...ask, mode: "plan", eventId: "its plan" });
  await expect(planned).rejects.toMatchObject({ code: "run_mode_differs", retry: false });
  expect(await readRun({ id: runId })).toMatchObject({ status: "failed", attempt: 1 });
  expect(await acceptRun({ ...ask, eventId: "as it is" })).toMatchObject({ outcome: "resumed" });
});

test("an event has a failed run go on once, however late it comes again; another one does again", async () => {
  const { projectId, runId, book } = await desk.run();
  const input = { target: "ledger", book, entries: [{ kind: "entry", name: "n", value: "v" }] };
  const kind = "implementation" as const;
  const ask = (eventId: string) =>
    acceptRun({ projectId, runId, kind, requestedBy: OWNER, input, eventId });
  const fail = async () => {
    await beginRun({ runId, inngestRunId: ENGINE });
    await failRun({ runId, inngestRunId: ENGINE, error: "out: of luck" });
  };
  await fail();
  expect(await ask("again")).toMatchObject({ outcome: "resumed", attempt: 2 });
  // Who asked died before waking anybody.
  expect(await ask("again")).toMatchObject({ outcome: "created", attempt: 2 });
  await fail();
  expect(await ask("again")).toMatchObject({ outcome: "ended", attempt: 2 });
  expect(await readRun({ id: runId })).toMatchObject({ status: "failed" });
  expect(await ask("and again")).toMatchObject({ outcome: "resumed", attempt: 3 });
  await fail();
  for (const late of ["again", "and again"]) {
    expect(await ask(late)).toMatchObject({ outcome: "ended", attempt: 3 });
  }
});

test("what was never published cannot be refined: the run is refused before it is there", async () => {
  const { projectId } = await desk.run();
  const input = { refine: { kind: "ROADMAP", instruction: "Say more" } };
  const ask = { projectId, runId: newId("run"), kind: "research" as const, requestedBy: OWNER };
  const asked = () => acceptRun({ ...ask, input, eventId: newId("run") });
  await expect(asked()).rejects.toMatchObject({ code: "artifact_not_found", retry: false });
  expect(await db().select().from(runs).where(eq(runs.id, ask.runId))).toEqual([]);
  await publishArtifact({ projectId, kind: "ROADMAP", logicalKey: "main", content: "x" });
  expect(await asked()).toMatchObject({ outcome: "created" });
});

test.each([
  { fault: "close-after", becomes: "confirmed", objects: 1 },
  { fault: "close", becomes: "abandoned", objects: 0 },
])("a project that is deleted waits for what was sent: $fault, $becomes", async (row) => {
  const scene = await desk.granted();
  const { projectId, runId, effectId } = scene;
  await desk.fault(scene, { fault: row.fault });
  await expect(performEffect(effectId)).rejects.toMatchObject({ code: "effect_outcome_open" });
  await beginProjectDelete({ id: projectId });
  const stop = { projectId, runIds: [runId], by: OWNER, reason: "It is being deleted." };
  expect(await cancelRuns(stop)).toEqual([runId]);
  // Whoever died before it could say so says it now.
  expect(await cancelRuns(stop)).toEqual([runId]);
  expect(await settleInFlight({ projectId })).toBe(1);
  expect(await desk.effect(scene)).toMatchObject({ status: "sent" });

  await desk.leaseOver(scene);
  // Not to be found out now: it is left for the next look, and the project with it.
  await desk.fault(scene, { fault: "error500", on: "read" });
  expect(await settleInFlight({ projectId })).toBe(1);
  expect(await settleInFlight({ projectId })).toBe(1);
  await desk.leaseOver(scene);
  expect(await settleInFlight({ projectId })).toBe(0);
  expect(await desk.effect(scene)).toMatchObject({ status: row.becomes, attempt: 1 });
  expect(await desk.objects(scene)).toHaveLength(row.objects);
  await deleteProject({ id: projectId });
  expect((await desk.told(projectId, effectId)).at(-1)?.action).toBe(`effect.${row.becomes}`);
});

test("nothing is claimed for a project that is being deleted, and what was claimed is abandoned", async () => {
  const scene = await desk.granted();
  expect(await claimEffect(scene.effectId)).toMatchObject({ do: "send" });
  await desk.leaseOver(scene);
  await beginProjectDelete({ id: scene.projectId });
  expect(await claimEffect(scene.effectId)).toMatchObject({ do: "refused", reason: "ended" });
  const { projectId, runId } = scene;
  await cancelRuns({ projectId, runIds: [runId], by: OWNER, reason: "It is being deleted." });
  expect(await settleInFlight(scene)).toBe(0);
  expect(await desk.effect(scene)).toMatchObject({ status: "abandoned", attempt: 0 });
});

/** As if nobody had touched the run for so long. */
async function untouched(runId: string, minutes: number): Promise<void> {
  const updatedAt = sql`now() - ${minutes} * interval '1 minute'`;
  await db().update(runs).set({ updatedAt }).where(eq(runs.id, runId));
}

const revived = async (id: string) =>
  (await reviveRuns({ limit: 100 })).filter(({ runId }) => runId === id);

test("a run that was written and never begun is woken again, with another occasion each time", async () => {
  const { runId } = await desk.run();
  await db().update(runs).set({ status: "created", inngestRunId: null }).where(eq(runs.id, runId));
  expect(await revived(runId)).toEqual([]);
  await untouched(runId, 2);
  const [first] = await revived(runId);
  expect(first).toMatchObject({ runId, kind: "implementation", requestedBy: "ci" });
  expect(await revived(runId)).toEqual([]);
  await untouched(runId, 3);
  const [second] = await revived(runId);
  expect(second?.occasion).not.toBe(first?.occasion);
  expect(await readRun({ id: runId })).toMatchObject({ status: "created", attempt: 1 });
});

test.each(["running", "waiting_approval", "waiting_external"] as const)(
  "a run that is %s and that the engine has lost goes on as a new attempt",
  async (status) => {
    const run = await desk.run();
    const ours = { runId: run.runId, inngestRunId: ENGINE };
    await setRunStatus(ours, status);
    await untouched(run.runId, 4 * 60);
    expect(await revived(run.runId)).toEqual([]);
    await untouched(run.runId, 6 * 60);
    expect(await revived(run.runId)).toHaveLength(1);
    expect(await readRun({ id: run.runId })).toMatchObject({ status: "created", attempt: 2 });
    expect((await actions(run)).slice(-2)).toEqual(["run.failed", "run.resumed"]);

    // Whoever worked on it before has it no more.
    await expect(setRunStatus(ours, "running")).rejects.toMatchObject({ code: "run_not_ours" });
    expect(await succeedRun(ours, {})).toBe(false);
    const next = { runId: run.runId, inngestRunId: "engine-2" };
    expect(await beginRun(next)).toMatchObject({ status: "running", attempt: 2, error: null });
    expect(await beginRun(ours)).toBeNull();
    expect(await succeedRun(next, {})).toBe(true);
    await untouched(run.runId, 24 * 60);
    expect(await revived(run.runId)).toEqual([]);
  },
);
