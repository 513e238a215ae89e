import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decide } from "#lib/approvals/decide.ts";
import { sealHolds, signStatement } from "#lib/approvals/proof.ts";
import { readAuditExport } from "#lib/audit/read-export.ts";
import { verifyAudit } from "#lib/audit/verify.ts";
import { type Approval, approvalsOfRun } from "#lib/data/approvals.server.ts";
import { readAudit } from "#lib/data/audit.server.ts";
import { planEffects } from "#lib/effects/plan.ts";
import { acceptRun } from "#lib/runs/accept.ts";
import { startTestApi, type TestApi } from "../test/servers/api.ts";
import { setEnv } from "../test/support/environment.ts";
import { approverKey } from "../test/support/keys.ts";

// Ann owns the project, its policy lets carol and dave decide, ci asks.
let api: TestApi;
let projectId: string;
let project: string;
let runs = 0;

beforeAll(async () => {
  api = await startTestApi();
  const json = { name: "Approvals", slug: "approvals" };
  projectId = (await api.call("POST", "/api/projects", { as: "ann", json })).json.id;
  project = `/api/projects/${projectId}`;
  const policy = { default: { approvers: ["carol", "dave"], approvals: 2 } };
  const published = await api.call("PUT", `${project}/policy`, { as: "ann", json: policy });
  expect(published.json).toMatchObject({ version: 1, document: { default: { approvals: 2 } } });
});
afterAll(() => api.close());

/** A run that waits for an approval. */
async function waiting(): Promise<Approval> {
  runs += 1;
  const entries = [{ name: `entry ${runs}`, value: "1" }];
  const input = { target: "ledger", book: "book", entries };
  const asked = { projectId, kind: "implementation" as const, input, requestedBy: "ci" };
  const { runId } = await acceptRun({ ...asked, eventId: `event-${runs}` });
  const params = { book: "book", head: "h0", name: `entry ${runs}`, value: "1" };
  await planEffects({
    runId,
    stepId: "ledger",
    wishes: [{ stepId: "create-1", kind: "ledger.entry", params }],
  });
  const [approval] = await approvalsOfRun({ runId });
  if (!approval) throw new Error("no approval was asked for");
  return approval;
}

const get = (as: string, path: string) => api.call("GET", path, { as });

/** What reached the event server under this id. */
async function sent(eventId: string) {
  const response = await fetch(`${api.inngestUrl}/v1/events/${encodeURIComponent(eventId)}`);
  const { data } = (await response.json()) as {
    data: { name: string; data: Record<string, unknown> };
  };
  return data;
}

/** Judges what the edge sent, as the function does that gets the event. */
async function judged(eventId: string) {
  const { name, data } = await sent(eventId);
  const kind = name.replace("approval.", "") as "granted" | "denied" | "revoked";
  return await decide({ ...(data as unknown as Parameters<typeof decide>[0]), kind, eventId });
}

describe("an approver who is not the owner", () => {
  it("sees the approval with its plan, and nothing else of the project", async () => {
    const { id, runId, intentHash } = await waiting();
    const list = await get("carol", "/api/approvals?status=pending&limit=1");
    expect(list.json.items).toEqual([expect.objectContaining({ id, intentHash, quorum: 2 })]);
    const { status, json } = await get("carol", `/api/approvals/${id}`);
    expect(status).toBe(200);
    expect(json).toMatchObject({ id, assurance: "event", decisions: [], refusals: [] });
    expect(json.plan).toContain(intentHash);
    expect(json.plan).toContain('+ name: "entry 1"');
    expect(json.effects).toEqual([expect.objectContaining({ kind: "ledger.entry", runId })]);
    expect(json.effects[0]).not.toHaveProperty("params");
    expect((await get("carol", `/api/effects/${json.effects[0].id}`)).status).toBe(200);

    const rest = ["", "/runs", "/effects", "/files", "/policy", "/keys", "/audit"];
    for (const path of [...rest.map((end) => project + end), `/api/runs/${runId}`]) {
      expect((await get("carol", path)).status, path).toBe(404);
    }
    expect((await get("carol", "/api/projects")).json.items).toEqual([]);
    expect((await get("eve", `/api/approvals/${id}`)).status).toBe(404);
    expect((await get("eve", "/api/approvals")).json.items).toEqual([]);
  });

  it("decides by an event that our seal vouches for, once for one request", async () => {
    const { id, intentHash } = await waiting();
    const json = { intentHash, note: "fine" };
    const headers = { "x-request-id": "one request" };
    const path = `/api/approvals/${id}/grant`;
    const first = await api.call("POST", path, { as: "carol", json, headers });
    expect(first.status).toBe(202);
    const again = await api.call("POST", path, { as: "carol", json, headers: {} });
    expect(again.json.eventId).not.toBe(first.json.eventId);

    const { name, data } = await sent(first.json.eventId);
    expect(name).toBe("approval.granted");
    expect(data).toMatchObject({
      projectId,
      approvalId: id,
      intentHash,
      by: "carol",
      note: "fine",
    });
    const { nonce, expiresAt, value } = data.edge as unknown as Record<string, string>;
    const said = { approvalId: id, intentHash, decision: "granted", by: "carol" };
    const statement = { ...said, nonce: nonce ?? "", expiresAt: expiresAt ?? "" };
    expect(sealHolds(statement, value ?? "")).toBe(true);
    expect(sealHolds({ ...statement, by: "dave" }, value ?? "")).toBe(false);

    expect(await judged(first.json.eventId)).toEqual({ accepted: true });
    expect(await judged(again.json.eventId)).toMatchObject({ reason: "already_decided" });
    const seen = (await get("dave", `/api/approvals/${id}`)).json;
    const decision = { decision: "granted", decidedBy: "carol", assurance: "api", note: "fine" };
    expect(seen.decisions).toEqual([expect.objectContaining(decision)]);
    expect(seen.refusals).toEqual([
      expect.objectContaining({
        ...{ by: "carol", wanted: "granted", reason: "already_decided" },
        eventId: again.json.eventId,
      }),
    ]);

    const second = await api.call("POST", path, { as: "dave", json });
    expect(await judged(second.json.eventId)).toMatchObject({ settled: { outcome: "granted" } });
    expect((await get("ann", `/api/approvals/${id}`)).json.status).toBe("granted");
  });

  it("is the same request when it is sent again with its id", async () => {
    const { id, intentHash } = await waiting();
    const call = { as: "carol", json: { intentHash }, headers: { "x-request-id": "once" } };
    const deny = async () =>
      (await api.call("POST", `/api/approvals/${id}/deny`, call)).json.eventId;
    expect(await deny()).toBe(await deny());
  });

  it("signs, and the signature goes with the event in place of our seal", async () => {
    const { id: approvalId, intentHash } = await waiting();
    const key = approverKey();
    const json = { publicKey: key.publicKey, owner: "carol" };
    const registered = await api.call("POST", `${project}/keys`, { as: "ann", json });
    expect(registered.json).toMatchObject({ id: key.id, owner: "carol", createdBy: "ann" });
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const proof = { nonce: "nonce-of-a-test-1", expiresAt };
    const said = { approvalId, intentHash, decision: "denied", by: "carol", ...proof };
    const value = signStatement(said, key.privateKey);
    const signature = { keyId: key.id, ...proof, value };
    const { json: answer } = await api.call("POST", `/api/approvals/${approvalId}/deny`, {
      as: "carol",
      json: { intentHash, signature },
    });
    expect((await sent(answer.eventId)).data).toMatchObject({ signature });
    expect((await sent(answer.eventId)).data).not.toHaveProperty("edge");
    expect(await judged(answer.eventId)).toMatchObject({ settled: { outcome: "denied" } });
    const seen = (await get("ann", `/api/approvals/${approvalId}`)).json;
    expect(seen).toMatchObject({ status: "denied" });
    expect(seen.decisions).toEqual([
      expect.objectContaining({ assurance: "signature", signatureKeyId: key.id }),
    ]);
  });
});

describe("without APPROVAL_EDGE_SECRET", () => {
  let before: string | undefined;
  beforeAll(async () => {
    before = process.env.APPROVAL_EDGE_SECRET;
    await setEnv({ APPROVAL_EDGE_SECRET: undefined });
  });
  afterAll(() => setEnv({ APPROVAL_EDGE_SECRET: before }));

  it("what is said goes without a seal, and counts where the policy asks for no more", async () => {
    const { id, intentHash } = await waiting();
    for (const [verb, as] of [
      ["grant", "carol"],
      ["deny", "dave"],
      ["revoke", "dave"],
    ] as const) {
      const path = `/api/approvals/${id}/${verb}`;
      const { status, json } = await api.call("POST", path, { as, json: { intentHash } });
      expect(status, verb).toBe(202);
      expect((await sent(json.eventId)).data).toEqual({
        ...{ projectId, approvalId: id, intentHash, by: as },
      });
      if (verb === "grant") expect(await judged(json.eventId)).toEqual({ accepted: true });
    }
    const { decisions } = (await get("carol", `/api/approvals/${id}`)).json;
    expect(decisions).toEqual([expect.objectContaining({ assurance: "event" })]);
  });

  it("a policy that asks for more refuses it, and it can be said again in another request", async () => {
    const before = (await get("ann", `${project}/policy`)).json.document;
    const strict = { default: { ...before.default, assurance: "api" } };
    await api.call("PUT", `${project}/policy`, { as: "ann", json: strict });
    const { id, intentHash } = await waiting();
    await api.call("PUT", `${project}/policy`, { as: "ann", json: before });
    const grant = async (requestId: string) => {
      const call = { as: "carol", json: { intentHash }, headers: { "x-request-id": requestId } };
      return (await api.call("POST", `/api/approvals/${id}/grant`, call)).json.eventId;
    };
    const first = await grant("one");
    expect(await judged(first)).toMatchObject({ accepted: false, reason: "assurance_too_low" });
    expect(await grant("one")).toBe(first);
    expect(await grant("other")).not.toBe(first);

    const [effect] = (await get("ann", `/api/approvals/${id}`)).json.effects;
    const resolve = async () =>
      await api.call("POST", `/api/effects/${effect.id}/resolve`, {
        ...{ as: "carol", json: { resolution: "resend" } },
      });
    const [resolved, again] = [await resolve(), await resolve()];
    expect(resolved.status).toBe(202);
    expect((await sent(resolved.json.eventId)).data).not.toHaveProperty("edge");
    expect(again.json.eventId).not.toBe(resolved.json.eventId);
  });
});

it("lists each approval once, by project and status, page by page", async () => {
  await api.call("PUT", `${project}/policy`, {
    as: "ann",
    json: { default: { approvers: ["ann", "carol"] } },
  });
  const mine = [await waiting(), await waiting(), await waiting()].map(({ id }) => id).reverse();
  for (const reader of ["ann", "carol"]) {
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null && seen.length < 3; ) {
      const query: string = `limit=1&projectId=${projectId}&status=pending${cursor && `&cursor=${cursor}`}`;
      const { json } = await get(reader, `/api/approvals?${query}`);
      seen.push(...json.items.map((approval: Approval) => approval.id));
      cursor = json.nextCursor;
    }
    expect(seen).toEqual(mine);
  }
  expect((await get("carol", "/api/approvals?status=used")).json.items).toEqual([]);
});

it("registers a key once, revokes it for good, and has both in the audit chain", async () => {
  const { publicKey, id } = approverKey();
  const add = (json: object) => api.call("POST", `${project}/keys`, { as: "ann", json });
  const first = await add({ publicKey });
  expect(first.json).toMatchObject({ id, owner: "ann", revokedAt: null });
  expect((await add({ publicKey })).json).toEqual(first.json);
  expect((await add({ publicKey, owner: "carol" })).json).toMatchObject({ code: "key_taken" });
  expect((await add({ publicKey: "AAAA" })).json).toMatchObject({ code: "public_key_invalid" });
  const path = `${project}/keys/${id}`;
  expect((await api.call("DELETE", path, { as: "ann" })).status).toBe(204);
  expect((await api.call("DELETE", path, { as: "ann" })).status).toBe(204);
  expect((await add({ publicKey })).json).toMatchObject({ status: 409, code: "key_taken" });
  const { json } = await get("ann", `${project}/keys`);
  const listed = json.items.find((key: { id: string }) => key.id === id);
  expect(listed.revokedAt).toMatch(/Z$/);
  const entries = await readAudit({ projectId, after: 0 });
  const about = entries.filter(({ subject }) => subject === id);
  expect(about.map(({ action }) => action)).toEqual(["key.added", "key.revoked"]);
});

it("publishes policies by version, and refuses what is none", async () => {
  const before = (await get("ann", `${project}/policy`)).json;
  for (const json of [{ defaults: {} }, { default: { approvals: 0 } }, { scopes: { X: {} } }]) {
    const refused = await api.call("PUT", `${project}/policy`, { as: "ann", json });
    expect(refused.json).toMatchObject({ status: 422, code: "invalid_json" });
  }
  const json = { scopes: { "ledger.write": { assurance: "api" } } };
  const published = await api.call("PUT", `${project}/policy`, { as: "ann", json });
  expect(published.json.version).toBe(before.version + 1);
  expect((await get("ann", `${project}/policy`)).json).toEqual(published.json);
});

it("hands out a whole audit chain that verifies", async () => {
  const { text, headers } = await get("ann", `${project}/audit`);
  expect(headers.get("content-type")).toBe("application/x-ndjson");
  const chain = readAuditExport(text);
  expect(verifyAudit(chain)).toMatchObject({ ok: true, entries: chain.entries.length });
  expect(chain.entries.map(({ action }) => action)).toContain("approval.requested");
});

describe("a run", () => {
  const input = { target: "ledger", book: "book", entries: [{ name: "a", value: "1" }] };

  it("is asked for in the caller's name, with an id that is known at once", async () => {
    const json = { kind: "implementation", mode: "plan", input };
    const { status, json: asked } = await api.call("POST", `${project}/runs`, { as: "ann", json });
    expect(status).toBe(202);
    const { name, data } = await sent(asked.eventId);
    expect(name).toBe("run.requested");
    expect(data).toEqual({ projectId, runId: asked.runId, requestedBy: "ann", ...json });
    const bad = { ...json, input: { ...input, book: "Not A Book" } };
    const refused = await api.call("POST", `${project}/runs`, { as: "ann", json: bad });
    expect(refused.json).toMatchObject({ status: 422, code: "run_input" });
    for (const text of ["a\0b", "a\ud800b"]) {
      const entries = [{ name: "a", value: text }];
      const unstorable = { ...json, input: { ...input, entries } };
      const answer = await api.call("POST", `${project}/runs`, { as: "ann", json: unstorable });
      expect(answer.json).toMatchObject({ status: 422, code: "run_input" });
      expect(answer.json.detail).toContain("entries.0.value: must be Unicode without NUL");
    }
  });

  it("is told with its steps, approvals, effects and timeline, and canceled by an event", async () => {
    const { runId, id } = await waiting();
    const { json } = await get("ann", `/api/runs/${runId}`);
    expect(json).toMatchObject({ id: runId, requestedBy: "ci", steps: [] });
    expect(json.approvals).toEqual([expect.objectContaining({ id })]);
    expect(json.effects).toEqual([expect.objectContaining({ status: "planned" })]);
    expect(json.timeline.map(({ action }: { action: string }) => action)).toEqual([
      ...["run.requested", "effect.planned", "approval.requested"],
    ]);
    const listed = (await get("ann", `${project}/runs?limit=1`)).json.items;
    expect(listed).toEqual([expect.objectContaining({ id: runId })]);
    const effects = (await get("ann", `${project}/effects?limit=1`)).json.items;
    expect(effects).toEqual([expect.objectContaining({ runId })]);

    const cancel = { as: "ann", json: { reason: "no longer wanted" } };
    const { json: asked } = await api.call("POST", `/api/runs/${runId}/cancel`, cancel);
    const event = await sent(asked.eventId);
    expect(event.name).toBe("run.cancel.requested");
    expect(event.data).toEqual({ projectId, runId, by: "ann", reason: "no longer wanted" });
  });

  it("has effects that are resolved by a sealed event", async () => {
    const { id } = await waiting();
    const [effect] = (await get("ann", `/api/approvals/${id}`)).json.effects;
    const json = { resolution: "adopt", externalId: "obj_1", externalUrl: "http://x.example/1" };
    const path = `/api/effects/${effect.id}/resolve`;
    const { json: asked } = await api.call("POST", path, { as: "ann", json });
    const { name, data } = await sent(asked.eventId);
    expect(name).toBe("effect.resolved");
    expect(data).toMatchObject({ projectId, effectId: effect.id, by: "ann", ...json });
    const { value = "", ...proof } = data.edge as unknown as Record<string, string>;
    const facts = { effectId: effect.id, attempt: "0", ...json };
    const statement = { ...facts, by: "ann", nonce: "", expiresAt: "", ...proof };
    expect(sealHolds(statement, value)).toBe(true);
  });
});
