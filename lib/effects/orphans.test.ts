import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { effects } from "#db/schema.ts";
import { EffectDesk, ENGINE, OWNER, type Scene } from "../../test/support/effects.ts";
import { setEnv } from "../../test/support/environment.ts";
import { cancelRun, failRun } from "../runs/life.ts";
import { settleInFlight, sweepOrphans } from "./orphans.ts";
import { performEffect } from "./perform.ts";

let desk: EffectDesk;
beforeAll(async () => {
  desk = await EffectDesk.open();
});
afterAll(() => desk.close());

const sweep = ({ projectId }: Scene) => sweepOrphans({ limit: 10, projectId });

/** How the run of an effect ended. */
const END = {
  failed: ({ runId }: Scene) => failRun({ runId, inngestRunId: ENGINE, error: "out: of luck" }),
  canceled: ({ projectId, runId }: Scene) =>
    cancelRun({ projectId, runId, by: OWNER, reason: "no longer wanted" }),
} as const;

/** A change that was sent and not heard of, by a run that has ended since; its lease is over. */
async function orphan({
  run,
  made,
  kind,
}: {
  run: keyof typeof END;
  made: boolean;
  kind?: string;
}): Promise<Scene> {
  const scene = await desk.granted(kind);
  await desk.fault(scene, { fault: made ? "close-after" : "close" });
  await expect(performEffect(scene.effectId)).rejects.toMatchObject({
    code: "effect_outcome_open",
  });
  await END[run](scene);
  await desk.leaseOver(scene);
  return scene;
}

/** As if it had been sent so long ago. */
async function sentAgo({ effectId }: Scene, seconds: number): Promise<void> {
  const sentAt = sql`now() - ${seconds} * interval '1 second'`;
  await db().update(effects).set({ sentAt }).where(eq(effects.id, effectId));
}

test.each(["failed", "canceled"] as const)(
  "what a %s run had sent and is there is confirmed by the sweep, once, and told",
  async (run) => {
    const scene = await orphan({ run, made: true });
    expect(await sweep(scene)).toEqual({ settled: 1, left: 0 });
    expect(await sweep(scene)).toEqual({ settled: 0, left: 0 });
    const [object] = await desk.objects(scene);
    expect(await desk.effect(scene)).toMatchObject({ status: "confirmed", externalId: object });
    expect(await desk.said(scene, "effect.confirmed")).toHaveLength(1);
  },
);

test("what a canceled run had sent and surely is not there is abandoned", async () => {
  const scene = await orphan({ run: "canceled", made: false });
  expect(await sweep(scene)).toEqual({ settled: 1, left: 0 });
  expect(await desk.effect(scene)).toMatchObject({ status: "abandoned", externalId: null });
  expect(await desk.objects(scene)).toEqual([]);
});

test("what cannot be looked for is left to a person after hours, and holds up no deletion", async () => {
  const [scene, failed] = [
    await orphan({ run: "canceled", made: true }),
    await orphan({ run: "failed", made: true }),
  ];
  const { LEDGER_TOKEN = "" } = process.env;
  await setEnv({ LEDGER_TOKEN: "of another account" });
  try {
    expect(await sweep(scene)).toEqual({ settled: 0, left: 1 });
    for (const one of [scene, failed]) {
      await desk.leaseOver(one);
      await sentAgo(one, 7 * 60 * 60);
    }
    expect(await sweep(scene)).toEqual({ settled: 1, left: 0 });
    expect(await desk.effect(scene)).toMatchObject({ status: "unknown" });
    expect((await desk.effect(scene)).error).toMatch(/^It was sent, and it cannot be looked for: /);
    expect(await desk.said(scene, "effect.unknown")).toHaveLength(1);
    // Its run can be asked for again, unless its project goes.
    expect(await sweep(failed)).toEqual({ settled: 0, left: 1 });
    await desk.leaseOver(failed);
    expect(await settleInFlight(failed)).toBe(0);
  } finally {
    await setEnv({ LEDGER_TOKEN });
  }
});

test("what a failed run had sent and is not there stays as it is: the run can be asked for again", async () => {
  const scene = await orphan({ run: "failed", made: false });
  expect(await sweep(scene)).toEqual({ settled: 0, left: 1 });
  expect(await desk.effect(scene)).toMatchObject({ status: "sent" });
  // Others get their turn before it is looked for again.
  expect(await sweep(scene)).toEqual({ settled: 0, left: 0 });
  await desk.leaseOver(scene);
  await desk.begin(scene);
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "confirmed" });
  expect(await desk.objects(scene)).toHaveLength(1);
});

test("where reads come late, what is not seen is waited for, and then a person has to say", async () => {
  const scene = await orphan({ run: "canceled", made: false, kind: "ledger.note" });
  expect(await sweep(scene)).toEqual({ settled: 0, left: 1 });
  expect(await desk.effect(scene)).toMatchObject({ status: "sent" });
  await desk.leaseOver(scene);
  await sentAgo(scene, 3600);
  expect(await sweep(scene)).toEqual({ settled: 1, left: 0 });
  expect(await desk.effect(scene)).toMatchObject({ status: "unknown" });
  expect(await desk.said(scene, "effect.unknown")).toHaveLength(1);
});

test("nobody sweeps what is still in somebody's hands", async () => {
  const scene = await desk.granted();
  await desk.fault(scene, { fault: "close-after" });
  await expect(performEffect(scene.effectId)).rejects.toMatchObject({
    code: "effect_outcome_open",
  });
  await desk.leaseOver(scene);
  // The run goes on.
  expect(await sweep(scene)).toEqual({ settled: 0, left: 0 });
  expect(await desk.effect(scene)).toMatchObject({ status: "sent" });
});
