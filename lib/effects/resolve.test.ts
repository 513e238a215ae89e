import { afterAll, beforeAll, expect, test } from "vitest";
import { EffectDesk, OWNER } from "../../test/support/effects.ts";
import { setEnv } from "../../test/support/environment.ts";
import { approverKey } from "../../test/support/keys.ts";
import { decide } from "../approvals/decide.ts";
import { resolutionFacts, signatureHolds, signStatement } from "../approvals/proof.ts";
import { listVoices } from "../data/approvals.server.ts";
import { effectResolved } from "../events/catalogue/approvals.ts";
import { newId } from "../ids.ts";
import { registerKey } from "../policy/keys.ts";
import { publishPolicy } from "../policy/policy.ts";
import { cancelRun } from "../runs/life.ts";
import { performEffect } from "./perform.ts";
import type { Resolution } from "./resolution.ts";

let desk: EffectDesk;
beforeAll(async () => {
  desk = await EffectDesk.open();
});
afterAll(() => desk.close());

test("what a person has sent again is looked for before it is called again", async () => {
  const scene = await desk.sentAndLost();
  expect(await desk.resolve(scene, "resend")).toMatchObject({
    accepted: true,
    settled: { outcome: "approved", attempt: 1 },
  });
  const [id] = await desk.objects(scene);
  expect(await performEffect(scene.effectId)).toMatchObject({ externalId: id });
  expect(await desk.objects(scene)).toEqual([id]);
  expect(await desk.effect(scene)).toMatchObject({ status: "confirmed", attempt: 2 });
});

test("a resolution that was done before is repeated by who may say so; a stranger's repeat is refused, on record", async () => {
  const scene = await desk.sentAndLost();
  const once = { eventId: newId("decision") };
  expect(await desk.resolve(scene, "adopt", once)).toMatchObject({ accepted: true });
  const confirmed = await desk.effect(scene);
  const settled = { runId: scene.runId, outcome: "confirmed", attempt: 1 };
  const signature = { keyId: "0".repeat(32), ...forged() };
  // The same event again: its proof was good then, and need not be any more.
  expect(await desk.resolve(scene, "adopt", { ...once, signature })).toEqual({
    ...{ accepted: true, settled },
  });
  expect(await desk.resolve(scene, "adopt")).toEqual({ accepted: true, settled });
  expect(await desk.said(scene, "effect.resolution_refused")).toEqual([]);

  const attacks: [string, Partial<Resolution>][] = [
    ["not_an_approver", { by: "mallory" }],
    ["not_unknown", { resolution: "abandon" }],
    ["not_an_approver", { by: "mallory", ...once }],
    ["unknown_key", { signature }],
    ["other_project", { projectId: "another" }],
  ];
  for (const [reason, attack] of attacks) {
    expect(await desk.resolve(scene, "adopt", attack)).toEqual({ accepted: false, reason });
  }
  expect(
    (await desk.said(scene, "effect.resolution_refused")).map((one) => one.payload.reason),
  ).toEqual(attacks.map(([reason]) => reason));
  expect(await desk.effect(scene)).toEqual(confirmed);
});

test("who asked for it may end what nobody knows of, and do no more where another could", async () => {
  const by = "ci";
  const run = await desk.run();
  const { projectId } = run;
  const document = { default: { approvers: [OWNER, by] } };
  await publishPolicy({ projectId, document, by: OWNER });
  const scene = await desk.plan(run);
  await desk.loses(scene, "close-after");
  for (const resolution of ["adopt", "resend"] as const) {
    const reason = "requester_may_not_approve";
    expect(await desk.resolve(scene, resolution, { by })).toEqual({ accepted: false, reason });
  }
  expect(await desk.effect(scene)).toMatchObject({ status: "unknown" });
  expect(await desk.resolve(scene, "abandon", { by })).toMatchObject({ accepted: true });
});

test("who adopts what cannot be looked for hears so, on record, and may name it", async () => {
  const scene = await desk.sentAndLost();
  const [externalId = ""] = await desk.objects(scene);
  const { LEDGER_TOKEN = "" } = process.env;
  await setEnv({ LEDGER_TOKEN: "of another account" });
  try {
    const refused = { accepted: false, reason: "nothing_to_adopt" };
    expect(await desk.resolve(scene, "adopt")).toEqual(refused);
    expect(await desk.said(scene, "effect.resolution_refused")).toHaveLength(1);
    expect(await desk.resolve(scene, "adopt", { externalId })).toMatchObject({ accepted: true });
  } finally {
    await setEnv({ LEDGER_TOKEN });
  }
});

test("what a canceled run had sent is not sent again, and can still be adopted", async () => {
  const scene = await desk.sentAndLost();
  const { projectId, runId } = scene;
  await cancelRun({ projectId, runId, by: OWNER, reason: "no longer wanted" });
  expect(await desk.resolve(scene, "resend")).toEqual({ accepted: false, reason: "run_ended" });
  expect(await desk.resolve(scene, "adopt")).toMatchObject({ accepted: true });
  const [externalId] = await desk.objects(scene);
  expect(await desk.effect(scene)).toMatchObject({ status: "confirmed", externalId });
});

test("a signed resolution is on record with all that was signed, so that anybody can check it again", async () => {
  const scene = await desk.sentAndLost();
  const { projectId, effectId } = scene;
  const { id: keyId, publicKey, privateKey } = approverKey();
  await registerKey({ projectId, owner: OWNER, publicKey, by: OWNER });
  const named = { externalId: "obj_named", externalUrl: "https://ledger.example/obj_named" };
  const facts = resolutionFacts({ effectId, attempt: 1, resolution: "adopt", ...named });
  const { value: _, ...fresh } = forged();
  const statement = { ...facts, by: OWNER, ...fresh };
  const signature = { keyId, ...fresh, value: signStatement(statement, privateKey) };
  const other = { ...named, externalUrl: "https://mallory.example/", signature };
  expect(await desk.resolve(scene, "adopt", other)).toMatchObject({ reason: "bad_signature" });

  const said = effectResolved.schema.parse({
    ...{ projectId, effectId, resolution: "adopt", by: OWNER, ...named, signature },
  });
  expect(await desk.resolve(scene, "adopt", said)).toMatchObject({ accepted: true });
  const [entry] = await desk.said(scene, "effect.resolved");
  const payload: Record<string, unknown> = entry?.payload ?? {};
  expect(payload).toMatchObject({ by: OWNER, assurance: "signature", signatureKeyId: keyId });
  // By its marker the object itself was found.
  expect(payload).toMatchObject({ externalId: (await desk.objects(scene))[0] });
  const text = (name: string) => String(payload[name] ?? "");
  const recorded = {
    ...{ effectId: text("effectId"), attempt: text("attempt"), resolution: text("resolution") },
    ...{ externalId: text("namedExternalId"), externalUrl: text("namedExternalUrl") },
    ...{ by: text("by"), nonce: text("nonce"), expiresAt: text("proofExpiresAt") },
  };
  expect(signatureHolds(recorded, text("signature"), publicKey)).toBe(true);
});

test("what redaction would change of what is signed is refused when it comes", () => {
  const { parse } = effectResolved.schema;
  const said = { projectId: "p", effectId: "e", resolution: "adopt", by: OWNER };
  const key = "ghp_0123456789abcdefghij";
  const url = (query: string) => `https://ledger.example/o?${query}`;
  const signed = (more: object) => ({ signature: { keyId: "0".repeat(32), ...forged(), ...more } });
  for (const more of [{ externalUrl: url("page=1") }, signed({})]) {
    expect(parse({ ...said, ...more })).toEqual({ ...said, ...more });
  }
  const changed = [
    { externalUrl: url(`token=${key}`) },
    signed({ nonce: key }),
    signed({ value: key }),
  ];
  for (const more of changed) expect(() => parse({ ...said, ...more })).toThrow("secret");
});

test("an event id that resolved one effect resolves another too, and another person's words, each on record", async () => {
  const { projectId } = await desk.run();
  const document = { default: { approvers: [OWNER, "bob"] } };
  await publishPolicy({ projectId, document, by: OWNER });
  const eventId = newId("decision");
  for (const by of [OWNER, OWNER, "bob"]) {
    const scene = await desk.plan(await desk.run(projectId));
    await desk.loses(scene, "close-after");
    expect(await desk.resolve(scene, "abandon", { eventId, by })).toMatchObject({
      settled: { runId: scene.runId, outcome: "abandoned" },
    });
    const payload = { eventId, by, resolution: "abandon" };
    expect(await desk.said(scene, "effect.resolved")).toMatchObject([{ payload }]);
  }
});

test("an event that comes again after the effect was sent again does nothing about that sending", async () => {
  const scene = await desk.granted();
  const eventId = newId("decision");
  await desk.loses(scene, "close");
  expect(await desk.resolve(scene, "resend", { eventId })).toMatchObject({ accepted: true });
  await desk.loses(scene, "close");
  const refused = { accepted: false, reason: "event_id_used" };
  expect(await desk.resolve(scene, "resend", { eventId })).toEqual(refused);
  expect(await desk.resolve(scene, "resend", { eventId })).toEqual(refused);
  expect(await desk.effect(scene)).toMatchObject({ status: "unknown", attempt: 2 });
  expect(await desk.said(scene, "effect.resolution_refused")).toMatchObject([
    { payload: { reason: "event_id_used", eventId, attempt: 2 } },
  ]);
  expect(await desk.resolve(scene, "resend")).toMatchObject({ settled: { attempt: 2 } });
  await desk.loses(scene, "close");
  expect(await desk.resolve(scene, "resend", { eventId })).toEqual(refused);
  expect(await desk.said(scene, "effect.resolution_refused")).toHaveLength(2);
  expect(await desk.resolve(scene, "resend")).toMatchObject({ accepted: true });
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "confirmed" });
  // What was done, and has gone on since.
  expect(await desk.resolve(scene, "resend", { eventId })).toEqual({ accepted: true });
});

test("a decision under the event id of another's is judged like any other", async () => {
  const { projectId, approval } = await desk.granted();
  const { id: approvalId, intentHash } = approval;
  const [voice] = await listVoices({ approvalId });
  const again = { kind: "granted" as const, projectId, approvalId, intentHash };
  const eventId = voice?.eventId ?? "";
  expect(await decide({ ...again, eventId, by: OWNER })).toMatchObject({ accepted: true });
  for (const by of ["mallory", "mallory", "eve"]) {
    expect(await decide({ ...again, eventId, by })).toMatchObject({ accepted: false });
  }
  const refused = (await desk.told(projectId, approvalId)).filter(
    ({ action }) => action === "approval.refused",
  );
  expect(refused.map(({ payload }) => payload.by)).toEqual(["mallory", "eve"]);
});

test("a resolution of an effect that is not there is refused, on record where there is a project", async () => {
  const { projectId } = await desk.run();
  const nowhere = { effectId: "eff_nowhere", projectId };
  const reason = "no_such_effect";
  expect(await desk.resolve(nowhere, "abandon")).toEqual({ accepted: false, reason });
  const again = { eventId: "the same event" };
  for (const by of ["mallory", "mallory", "eve"]) {
    await desk.resolve(nowhere, "abandon", { ...again, by });
  }
  expect(await desk.told(projectId, nowhere.effectId)).toEqual([]);
  const told = (await desk.told(projectId, projectId)).map(({ payload }) => payload);
  expect(told).toMatchObject(
    [OWNER, "mallory", "eve"].map((by) => ({ effectId: nowhere.effectId, by, reason })),
  );
  const elsewhere = { ...nowhere, projectId: "nowhere" };
  expect(await desk.resolve(elsewhere, "abandon")).toEqual({ accepted: false, reason });
  expect(await desk.told("nowhere", "nowhere")).toEqual([]);
});

const forged = () => ({
  nonce: "0123456789abcdef",
  expiresAt: new Date(Date.now() + 60_000).toISOString(),
  value: "AAAA",
});
