import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { deploymentByVercelId, putDeployment } from "#lib/data/deployments.server.ts";
import { acceptRun } from "#lib/runs/accept.ts";
import { signature } from "#local/vercel/webhooks.ts";
import { startTestApi, type TestApi, VERCEL_SECRET } from "./servers/api.ts";

let api: TestApi;
let ours: { id: string; projectId: string };
let delivery: string;
let count = 0;

beforeAll(async () => {
  api = await startTestApi();
  const json = { name: "Shop", slug: "shop" };
  const projectId: string = (await api.call("POST", "/api/projects", { as: "ann", json })).json.id;
  const input = { target: "ledger", book: "b", entries: [{ name: "n", value: "v" }] };
  const asked = { projectId, kind: "implementation" as const, input, requestedBy: "ann" };
  const { runId } = await acceptRun({ ...asked, eventId: "event-1" });
  ours = await putDeployment({
    ...{ projectId, runId, vercelProjectId: "prj_1", vercelDeploymentId: "dpl_ours" },
    ...{ deploymentUrl: "https://shop-1.vercel.app", metadata: {} },
  });
});
afterAll(() => api.close());
beforeEach(() => {
  delivery = `delivery${count++}`;
});

const about = (id: string) => ({ deployment: { id, url: "shop-1.vercel.app" }, target: null });
const body = (more: object = {}) => ({
  ...{ id: delivery, type: "deployment.succeeded", createdAt: 1, payload: about("dpl_ours") },
  ...more,
});

async function deliver(sent: unknown, headers: Record<string, string> = {}) {
  const text = typeof sent === "string" ? sent : JSON.stringify(sent);
  const signed = { "x-vercel-signature": signature(VERCEL_SECRET, text), ...headers };
  return await api.call("POST", "/api/webhooks/vercel", { body: text, headers: signed });
}

/** The event with this delivery's id, as the event server has it. */
async function arrived(): Promise<unknown> {
  const id = encodeURIComponent(`vercel:${delivery}:${ours.id}`);
  const answer = await fetch(`${api.inngestUrl}/v1/events/${id}`);
  if (!answer.ok) return null;
  const { name, data } = ((await answer.json()) as { data: { name: string; data: unknown } }).data;
  return { name, data };
}

test.each(["deployment.created", "deployment.succeeded", "deployment.promoted"])(
  "%s of a deployment of ours wakes who waits for it, and a replay is the same event",
  async (type) => {
    const data = {
      projectId: ours.projectId,
      deploymentId: ours.id,
      vercelDeploymentId: "dpl_ours",
    };
    for (let n = 0; n < 2; n++) {
      const { status, json } = await deliver(body({ type }));
      expect({ status, json }).toEqual({ status: 202, json: { events: 1 } });
    }
    await expect.poll(arrived).toEqual({ name: "deployment.reported", data });
  },
);

test("it only wakes: the row is what it was", async () => {
  const before = await deploymentByVercelId("dpl_ours");
  await deliver(body({ type: "deployment.error" }));
  expect(await deploymentByVercelId("dpl_ours")).toEqual(before);
});

describe("what is signed and concerns us not", () => {
  test.each<[string, object, string]>([
    ["a deployment of others", { payload: about("dpl_theirs") }, "none of ours"],
    ["another kind", { type: "project.created", payload: {} }, "not followed"],
    ["another kind about our deployment", { type: "integration.x" }, "not followed"],
  ])("%s is taken and ignored", async (_, more, why) => {
    const { status, json } = await deliver(body(more));
    expect({ status, events: json.events }).toEqual({ status: 202, events: 0 });
    expect(json.ignored).toContain(why);
    expect(await arrived()).toBeNull();
  });
});

describe("what is refused", () => {
  const forged = signature("another secret", JSON.stringify(body({ id: "x" })));
  test.each<[string, number, string, () => unknown, Record<string, string>?]>([
    ["no signature", 401, "webhook_signature", body, { "x-vercel-signature": "" }],
    ["another's signature", 401, "webhook_signature", body, { "x-vercel-signature": forged }],
    ["half a signature", 401, "webhook_signature", body, { "x-vercel-signature": "ab" }],
    ["no JSON", 400, "malformed_body", () => "{"],
    ["JSON that is no object", 422, "webhook_body", () => "null"],
    ["no id", 422, "webhook_body", () => body({ id: "a b" })],
    ["no payload", 422, "webhook_body", () => body({ payload: 1 })],
    ["too many bytes", 413, "too_large", () => "x".repeat(5 * 1024 * 1024 + 1)],
  ])("a delivery with %s: %i, and nothing changes", async (_, status, code, sent, headers) => {
    const before = await api.snapshot();
    const answer = await deliver(sent(), headers);
    expect({ status: answer.status, code: answer.json.code }).toEqual({ status, code });
    expect(await api.snapshot()).toEqual(before);
    expect(await arrived()).toBeNull();
  });

  test("a body that was changed after it was signed, by one byte or in no UTF-8", async () => {
    const text = JSON.stringify(body());
    const headers = { "x-vercel-signature": signature(VERCEL_SECRET, text) };
    for (const bytes of [Buffer.from(` ${text}`), Buffer.from([...Buffer.from(text), 0xff])]) {
      const call = { body: new Uint8Array(bytes), headers };
      expect((await api.call("POST", "/api/webhooks/vercel", call)).status).toBe(401);
    }
  });

  test("all of them, when there is no secret", async () => {
    delete process.env.VERCEL_WEBHOOK_SECRET;
    try {
      const { status, json } = await deliver(body());
      expect({ status, code: json.code }).toEqual({ status: 503, code: "webhooks_not_set_up" });
    } finally {
      process.env.VERCEL_WEBHOOK_SECRET = VERCEL_SECRET;
    }
  });
});
