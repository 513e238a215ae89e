import { afterAll, beforeAll, expect, test } from "vitest";
import { EffectDesk, OWNER } from "../../test/support/effects.ts";
import { decide } from "../approvals/decide.ts";
import { newId } from "../ids.ts";
import { readHead } from "../ledger/client.ts";
import { performEffect } from "./perform.ts";
import { planEffects } from "./plan.ts";

let desk: EffectDesk;
beforeAll(async () => {
  desk = await EffectDesk.open();
});
afterAll(() => desk.close());

test("what is left of a plan is brought about in the order in which it is wished, whenever it was planned", async () => {
  const run = await desk.run();
  const { projectId, runId, book } = run;
  const head = await readHead(book, AbortSignal.timeout(5000));
  const wish = (stepId: string, value = "v") => ({
    ...{ stepId, kind: "ledger.entry", params: { book, head, name: stepId, value } },
  });
  const plan = async (...wishes: ReturnType<typeof wish>[]) =>
    await planEffects({ runId, stepId: "plan", wishes });
  const first = await plan(...["project", "a", "b", "c", "environment"].map((id) => wish(id)));
  const { id: approvalId, intentHash } = first.approval ?? { id: "none", intentHash: "" };
  const said = { projectId, by: OWNER, eventId: newId("decision") };
  await decide({ ...said, kind: "granted", approvalId, intentHash });
  const [project, a, b] = first.effects.map(({ effectId }) => effectId);
  for (const id of [project, a]) {
    expect(await performEffect(id ?? "")).toMatchObject({ outcome: "confirmed" });
  }
  await desk.fault(run, { fault: "echo", status: 422, body: "the quota is used up" });
  await expect(performEffect(b ?? "")).rejects.toMatchObject({ code: "ledger_refused" });

  // Another intent at the end: it is planned anew, as what was refused is; what is between keeps its approval.
  const again = await plan(wish("b"), wish("c"), wish("environment", "other"));
  expect(again.approval).toMatchObject({ metadata: { covers: [{}, {}] } });
  expect(again.effects.map(({ stepId }) => stepId)).toEqual(["b", "c", "environment"]);
});
