import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { EffectDesk, type Scene } from "../../test/support/effects.ts";
import { settle } from "../approvals/decide.ts";
import { transaction } from "../data/transaction.server.ts";
import { applyEffect } from "../runs/apply.ts";
import { performEffect } from "./perform.ts";

// A process that dies between the end of a call and the answer of its step: the step is done again, and asks again.

let desk: EffectDesk;
beforeAll(async () => {
  desk = await EffectDesk.open();
});
afterAll(() => desk.close());

const moveHead = ({ book }: Scene, head: string) =>
  desk.call("PUT", `/books/${book}/head`, { head });

test("who asks again after the plan had moved is told so again, until it is planned anew", async () => {
  const scene = await desk.granted();
  await moveHead(scene, "h1");
  const moved = { outcome: "moved", effectId: scene.effectId };
  expect(await applyEffect(scene.effectId)).toEqual(moved);
  expect(await applyEffect(scene.effectId)).toEqual(moved);
  await desk.approvalOver(scene);
  expect(await applyEffect(scene.effectId)).toEqual(moved);
  expect(await desk.said(scene, "effect.claim_refused")).toEqual([]);
  expect(await desk.objects(scene)).toEqual([]);

  const again = await desk.plan(scene);
  expect(await desk.effect(again)).toMatchObject({ status: "approved", error: null });
  await moveHead(again, "h2");
  expect(await applyEffect(again.effectId)).toEqual(moved);
  expect(await applyEffect((await desk.plan(again)).effectId)).toMatchObject({
    outcome: "confirmed",
  });
});

test("who asks again after it was refused for good is told the same code and reason", async () => {
  const scene = await desk.granted();
  await desk.fault(scene, { fault: "echo", status: 422, body: "no:\nnot so" });
  const first = await applyEffect(scene.effectId).catch((error: unknown) => error);
  expect(first).toMatchObject({ name: "EffectRefused", code: "ledger_refused" });
  const second = await applyEffect(scene.effectId).catch((error: unknown) => error);
  expect(second).toMatchObject({
    ...{ name: "EffectRefused", code: "ledger_refused" },
    message: (first as Error).message,
  });
  expect(await desk.effect(scene)).toMatchObject({ status: "failed" });
});

test("what is planned because its approval ended is refused, though an earlier call of it ended badly", async () => {
  const resent = await desk.granted();
  await desk.fault(resent, { fault: "close" });
  await expect(performEffect(resent.effectId)).rejects.toMatchObject({
    code: "effect_outcome_open",
  });
  await desk.leaseOver(resent);
  await desk.approvalOver(resent);
  await expect(applyEffect(resent.effectId)).rejects.toMatchObject({ code: "approval_expired" });
  expect(await desk.effect(resent)).toMatchObject({ status: "planned", attempt: 1 });
  await expect(applyEffect(resent.effectId)).rejects.toMatchObject({ code: "approval_expired" });

  const deferred = await desk.granted();
  await desk.fault(deferred, { fault: "rate" });
  await expect(applyEffect(deferred.effectId)).rejects.toMatchObject({ code: "effect_deferred" });
  // As an approval that was granted and not used yet, with another effect in its plan.
  await db().execute(sql`
    update approvals set status = 'granted', used_at = null where id = ${deferred.approval.id}`);
  const approval = await desk.approval(deferred);
  await transaction((tx) => settle(approval, "revoked", "ada", tx));
  expect(await desk.effect(deferred)).toMatchObject({ status: "planned", attempt: 1 });
  await expect(applyEffect(deferred.effectId)).rejects.toMatchObject({
    code: "effect_not_granted",
  });
});
