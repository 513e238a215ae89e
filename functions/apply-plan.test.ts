import { InngestTestEngine } from "@inngest/test";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { effects } from "#db/schema.ts";
import { decide } from "#lib/approvals/decide.ts";
import { effectsOfApproval } from "#lib/data/effect-lists.server.ts";
import { planEffects } from "#lib/effects/plan.ts";
import { newId } from "#lib/ids.ts";
import { readHead } from "#lib/ledger/client.ts";
import { EffectDesk, ENGINE, OWNER } from "../test/support/effects.ts";
import { applyPlan } from "./apply-plan.ts";

let desk: EffectDesk;
beforeAll(async () => {
  desk = await EffectDesk.open();
});
afterAll(() => desk.close());

test("an effect that is tried a second time is not taken for another whose name ends in a number", async () => {
  const { projectId, runId, book } = await desk.run();
  const head = await readHead(book, AbortSignal.timeout(5000));
  const wishes = ["infra-make-db", "infra-make-db-2"].map((stepId) => ({
    ...{ stepId, kind: "ledger.entry", params: { book, head, name: stepId, value: "v" } },
  }));
  const { approval, effects: planned } = await planEffects({ runId, stepId: "plan", wishes });
  const [first] = planned;
  if (!approval || !first) throw new Error("nothing to approve");
  const { id: approvalId, intentHash } = approval;
  const said = { projectId, by: OWNER, eventId: newId("decision") };
  await decide({ ...said, kind: "granted", approvalId, intentHash });
  // Sent before, and nobody can find it.
  const unknown = { status: "unknown" as const, sentAt: new Date() };
  await db().update(effects).set(unknown).where(eq(effects.id, first.effectId));

  const data = { projectId, runId, inngestRunId: ENGINE, round: "1", effects: planned };
  const resend = () => desk.resolve({ projectId, effectId: first.effectId }, "resend");
  const engine = new InngestTestEngine({
    function: applyPlan,
    events: [{ name: "inngest/function.invoked", data }],
    steps: [{ id: "resolution-infra-make-db", handler: resend }],
  });
  const { result, error } = await engine.execute();
  expect(error).toBeUndefined();
  expect(result).toEqual({ outcome: "applied" });
  expect((await effectsOfApproval({ approvalId })).map(({ status }) => status)).toEqual([
    "confirmed",
    "confirmed",
  ]);
  expect((await desk.objects({ book })).toSorted()).toHaveLength(2);
});
