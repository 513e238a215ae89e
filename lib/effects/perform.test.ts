import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { effects } from "#db/schema.ts";
import { until } from "#local/client.ts";
import { EffectDesk, OWNER, type Scene } from "../../test/support/effects.ts";
import { decide } from "../approvals/decide.ts";
import { reconstructRun } from "../audit/reconstruct.ts";
import { readRunAudit } from "../data/audit.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { newId } from "../ids.ts";
import { claimEffect } from "./claim.ts";
import type { Found } from "./definition.ts";
import { findingOf } from "./made-under.ts";
import { performEffect } from "./perform.ts";

let desk: EffectDesk;
beforeAll(async () => {
  desk = await EffectDesk.open();
});
afterAll(() => desk.close());

test("who was held up between writing sent and the call does not call any more", async () => {
  const scene = await desk.granted();
  // As long as the whole time for the call.
  await db().execute(sql`
    create function slow() returns trigger language plpgsql as
      $$ begin perform pg_sleep(2.05); return new; end $$`);
  await db().execute(sql`
    create trigger slow before update on effects for each row when (new.status = 'sent')
      execute function slow()`);
  try {
    await expect(performEffect(scene.effectId)).rejects.toMatchObject({
      code: "effect_lease_lost",
    });
  } finally {
    await db().execute(sql`drop function slow cascade`);
  }
  expect(await desk.objects(scene)).toEqual([]);
  expect(await desk.effect(scene)).toMatchObject({ status: "sent", attempt: 1 });
  await desk.leaseOver(scene);
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "confirmed" });
  expect(await desk.objects(scene)).toHaveLength(1);
});

test("a process that stood still during the call records nothing; who took it over finds what it made", async () => {
  const scene = await desk.granted();
  await desk.fault(scene, { fault: "hang-after", ms: 60_000 });
  const held = performEffect(scene.effectId).catch((error: unknown) => error);
  await until("the object", async () => (await desk.objects(scene)).length === 1);
  // Nothing of this process goes on, timers neither, until the time for the call is long over.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2100);
  await desk.leaseOver(scene);
  const other = await performEffect(scene.effectId);
  expect(await held).toMatchObject({ code: "effect_outcome_open" });
  const [id] = await desk.objects(scene);
  expect(other).toMatchObject({ outcome: "confirmed", externalId: id });
  expect(await desk.objects(scene)).toHaveLength(1);
  expect(await desk.said(scene, "effect.confirmed")).toMatchObject([{ payload: { found: true } }]);
});

test("a call that returns after its lease has passed is not written; the next look confirms it, once", async () => {
  const scene = await desk.granted();
  await db().execute(sql`
    create function late() returns trigger language plpgsql as
      $$ begin new.lease_expires_at = clock_timestamp() - interval '1 second'; return new; end $$`);
  await db().execute(sql`
    create trigger late before update on effects for each row when (new.status = 'sent')
      execute function late()`);
  try {
    await expect(performEffect(scene.effectId)).rejects.toMatchObject({
      code: "effect_lease_lost",
    });
  } finally {
    await db().execute(sql`drop function late cascade`);
  }
  const [id] = await desk.objects(scene);
  expect(await desk.effect(scene)).toMatchObject({ status: "sent", externalId: null });
  expect(await performEffect(scene.effectId)).toMatchObject({ externalId: id });
  expect(await desk.objects(scene)).toEqual([id]);
  expect(await desk.said(scene, "effect.confirmed")).toHaveLength(1);
});

test("a claim whose approval has expired meanwhile sends nothing, and goes on under a new one", async () => {
  const scene = await desk.granted();
  expect(await claimEffect(scene.effectId)).toMatchObject({ do: "send" });
  await desk.leaseOver(scene);
  await desk.approvalOver(scene);
  const refused = { outcome: "refused", reason: "expired" };
  expect(await performEffect(scene.effectId)).toMatchObject(refused);
  expect(await performEffect(scene.effectId)).toMatchObject(refused);
  expect(await desk.said(scene, "effect.claim_refused")).toMatchObject([
    { payload: { reason: "expired", status: "claimed" } },
  ]);
  expect(await desk.objects(scene)).toEqual([]);

  const again = await desk.plan(scene);
  expect(again).toMatchObject({ effectId: scene.effectId });
  expect(again.approval.id).not.toBe(scene.approval.id);
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "confirmed" });
  expect(await desk.objects(scene)).toHaveLength(1);
});

test("params that are not those that were approved are not performed, also where they make the same intent", async () => {
  const approved = {
    ...{ project: "shop", projectId: "prj_shop", owner: "acme", repo: "shop", ref: "main" },
    ...{ sha: "a".repeat(40), variables: [{ name: "PORT" }] },
  };
  const { effectId } = await desk.plan(await desk.run(), "vercel.deployment", approved);
  const stored = (params: object) =>
    db()
      .update(effects)
      .set({ params: { ...approved, ...params } })
      .where(eq(effects.id, effectId));
  for (const changed of [{ projectId: "prj_other" }, { ref: "another" }, { sha: "b".repeat(40) }]) {
    await stored(changed);
    const refused = { do: "refused", reason: "intent_changed" };
    expect(await claimEffect(effectId)).toMatchObject(refused);
  }
  await stored({});
  expect(await claimEffect(effectId)).toMatchObject({ do: "send" });
});

test("that the plan has moved is said again to whoever did not hear of it, until there is another plan", async () => {
  const scene = await desk.granted();
  await desk.call("PUT", `/books/${scene.book}/head`, { head: "h1" });
  for (const _ of ["first", "again"]) {
    expect(await performEffect(scene.effectId)).toEqual({ outcome: "moved" });
  }
  expect(await desk.effect(scene)).toMatchObject({ status: "planned", attempt: 1 });
  expect(await desk.said(scene, "effect.claim_refused")).toEqual([]);

  // Planned anew and taken back: that is no plan that has moved.
  const { approval } = await desk.plan(scene);
  const revoked = { approvalId: approval.id, intentHash: approval.intentHash, by: OWNER };
  const said = { projectId: scene.projectId, eventId: newId("decision"), ...revoked };
  expect(await decide({ kind: "revoked", ...said })).toMatchObject({ accepted: true });
  expect(await performEffect(scene.effectId)).toMatchObject({
    ...{ outcome: "refused", reason: "not_granted" },
  });
  expect(await desk.objects(scene)).toEqual([]);
});

/** Sent under one plan, abandoned, and planned anew after the head has moved. */
async function replanned(kind?: string): Promise<{ first: Scene; second: Scene }> {
  const first = await desk.sentAndLost(kind);
  expect(await desk.resolve(first, "abandon")).toMatchObject({ accepted: true });
  await desk.call("PUT", `/books/${first.book}/head`, { head: "h1" });
  const second = await desk.plan(first);
  expect(second.approval.intentHash).not.toBe(first.approval.intentHash);
  return { first, second };
}

test("what was made under an earlier plan is recorded as that plan's, with its intent and its approval", async () => {
  const { first, second } = await replanned("ledger.note");
  const planned = await desk.effect(second);
  expect(planned).toMatchObject({ kind: "ledger.entry", intent: { head: "h1" } });
  expect(await performEffect(second.effectId)).toMatchObject({ outcome: "confirmed" });
  expect(await desk.objects(second)).toHaveLength(1);

  const row = await desk.effect(second);
  const made = { kind: "ledger.note", intent: { head: "h0" }, params: { head: "h0", value: "v" } };
  expect(row).toMatchObject({ ...made, approvalId: first.approval.id });
  expect(row.intentHash).not.toBe(planned.intentHash);
  const { intentHash, approvalId } = planned;
  expect(await desk.said(second, "effect.confirmed")).toMatchObject([
    {
      payload: {
        ...{ found: true, intentHash: row.intentHash, approvalId: first.approval.id },
        ...{ madeBySending: 1, insteadOf: { intentHash, approvalId } },
      },
    },
  ]);
  // Who rebuilds the run from its chain comes to the same.
  const { projectId, runId } = second;
  const rebuilt = reconstructRun(runId, await readRunAudit({ projectId, runId }));
  expect(rebuilt?.effects).toMatchObject([
    { kind: "ledger.note", intentHash: row.intentHash, approvalId: first.approval.id },
  ]);
});

test("what the call of the new plan has made is the new plan's", async () => {
  const first = await desk.granted();
  await desk.fault(first, { fault: "close" });
  await expect(performEffect(first.effectId)).rejects.toMatchObject({
    code: "effect_outcome_open",
  });
  await desk.lost(first);
  await desk.resolve(first, "abandon");
  await desk.call("PUT", `/books/${first.book}/head`, { head: "h1" });
  const second = await desk.plan(first);
  await desk.fault(second, { fault: "close-after" });
  await expect(performEffect(second.effectId)).rejects.toMatchObject({
    code: "effect_outcome_open",
  });
  await desk.leaseOver(second);
  expect(await performEffect(second.effectId)).toMatchObject({ outcome: "confirmed" });
  expect(await desk.effect(second)).toMatchObject({
    ...{ attempt: 2, intent: { head: "h1" }, approvalId: second.approval.id },
  });
  const [confirmed] = await desk.said(second, "effect.confirmed");
  expect(confirmed?.payload).toMatchObject({ found: true });
  expect(confirmed?.payload).not.toHaveProperty("insteadOf");
});

test("what is found after a call of the new plan may be of either: the object tells", async () => {
  const { second } = await replanned();
  const [old] = await desk.objects(second);
  await desk.fault(second, { fault: "error500", on: "read" });
  // Written as sent under the new plan, and ended before the call.
  await expect(performEffect(second.effectId)).rejects.toMatchObject({ code: "ledger_failed" });
  await desk.leaseOver(second);
  expect(await performEffect(second.effectId)).toMatchObject({ externalId: old });
  expect(await desk.effect(second)).toMatchObject({ attempt: 2, intent: { head: "h0" } });
});

test("where the object does not tell, all that it can be is recorded, and what is certain is corrected", async () => {
  const { first, second } = await replanned();
  const finding = async (found: Found) => {
    const effect = await desk.effect(second);
    return await transaction((tx) => findingOf(effect, found, tx));
  };
  const { intentHash } = await desk.effect(second);
  expect(await finding({ id: "o" })).toMatchObject({
    set: { externalId: "o", approvalId: first.approval.id, intent: { head: "h0" } },
    payload: { madeBySending: 1, insteadOf: { intentHash } },
  });
  await desk.fault(second, { fault: "error500", on: "read" });
  await expect(performEffect(second.effectId)).rejects.toMatchObject({ code: "ledger_failed" });
  const either = await finding({ id: "o" });
  expect(either.set).toEqual({ externalId: "o", externalUrl: null });
  expect(either.payload).toEqual({
    found: true,
    madeUnderOneOf: [expect.any(String), intentHash],
  });
  expect(await finding({ id: "o", intent: { head: "h0", value: "somebody else's" } })).toEqual({
    set: either.set,
    payload: { found: true, changedOutside: true },
  });
});
