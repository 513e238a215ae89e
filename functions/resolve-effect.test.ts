import { InngestTestEngine } from "@inngest/test";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { effects } from "#db/schema.ts";
import { effectResolved } from "#lib/events/catalogue/approvals.ts";
import { newId } from "#lib/ids.ts";
import { setRunStatus } from "#lib/runs/life.ts";
import { EffectDesk, ENGINE, OWNER, type Scene } from "../test/support/effects.ts";
import { resolveUnknownEffect } from "./resolve-effect.ts";

let desk: EffectDesk;
beforeAll(async () => {
  desk = await EffectDesk.open();
});
afterAll(() => desk.close());

/** An effect that nobody could find out about, and whose run waits for a person. */
async function waiting(): Promise<Scene> {
  const scene = await desk.granted();
  await db().update(effects).set({ sentAt: new Date() }).where(eq(effects.id, scene.effectId));
  await desk.lost(scene);
  await setRunStatus({ runId: scene.runId, inngestRunId: ENGINE }, "waiting_external");
  return scene;
}

/** Resolves it, and gives the wake-ups that were sent; `hears` is called in each pause. */
async function wakeUps(
  { projectId, runId, effectId }: Scene,
  { by = OWNER, hears = async () => {} }: { by?: string; hears?: (n: number) => Promise<void> },
): Promise<{ id: string }[]> {
  const data = { projectId, effectId, resolution: "resend", by };
  const engine = new InngestTestEngine({
    function: resolveUnknownEffect,
    events: [{ name: effectResolved.name, id: newId("decision"), data }],
    steps: [
      ...["wake", "wake-again-0", "wake-again-1", "wake-again-2"].map((id) => ({
        id,
        handler: () => ({ ids: [] }),
      })),
      ...[0, 1, 2].map((n) => ({ id: `moment-${n}`, handler: () => hears(n) })),
    ],
  });
  const { ctx, error } = await engine.execute();
  expect(error).toBeUndefined();
  const calls: unknown[][] = ctx.step.sendEvent.mock.calls;
  return calls.map(([, sent]) => {
    const wakes = { projectId, runId, effectId, outcome: "approved" };
    expect(sent).toMatchObject({ name: "effect.settled", data: wakes });
    return sent as { id: string };
  });
}

test("a run that was told between its look and its wait is told again, until it has heard", async () => {
  const deaf = await wakeUps(await waiting(), {});
  expect(new Set(deaf.map(({ id }) => id)).size).toBe(4);

  const scene = await waiting();
  const heard = await wakeUps(scene, {
    hears: async (n) => {
      if (n === 1) await setRunStatus({ runId: scene.runId, inngestRunId: ENGINE }, "running");
    },
  });
  expect(heard).toHaveLength(2);
});

test("a resolution that does not count wakes nobody", async () => {
  expect(await wakeUps(await waiting(), { by: "mallory" })).toEqual([]);
});
