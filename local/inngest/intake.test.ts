import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { get, startTestBed, type TestBed } from "./test-app.ts";

let bed: TestBed;

beforeAll(async () => {
  bed = await startTestBed();
});
afterAll(() => bed.close());

async function post(body: string, headers: Record<string, string> = {}, path = "/e/key") {
  const response = await fetch(bed.engine.url + path, { method: "POST", body, headers });
  return {
    status: response.status,
    body: (await response.json()) as { ids?: string[]; error?: string },
  };
}

test.each([
  ["no JSON", "{", "not JSON"],
  ["an empty body", "", "not JSON"],
  ["no event", "42", "expected object"],
  ["no name", '{"data":{}}', "name"],
  ["an empty name", '{"name":""}', "needs a name"],
  ["a reserved name", '{"name":"inngest/function.failed"}', "reserved"],
  ["data that is a list", '{"name":"a","data":[1]}', "data"],
  ["a time that is none", '{"name":"a","ts":"now"}', "ts"],
  ["a time in microseconds", `{"name":"a","ts":${Date.now()}000}`, "in milliseconds"],
  [
    "a list in lists, too often",
    `{"name":"a","data":{"x":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`,
    "deep",
  ],
  ["a bad one among good ones", '[{"name":"good/one"},{"name":1}]', "event 1"],
])("%s is refused with a reason", async (_, body, reason) => {
  const answer = await post(body);
  expect(answer.status).toBe(400);
  expect(answer.body.error).toContain(reason);
  expect(answer.body.ids).toBeUndefined();
});

test("of a refused array nothing is stored", async () => {
  await post('[{"name":"a","id":"half"},{"name":""}]');
  const response = await fetch(`${bed.engine.url}/v1/events/half`);
  expect(response.status).toBe(404);
});

test("too large an event or request is refused", async () => {
  const event = await post(JSON.stringify({ name: "a", data: { x: "x".repeat(3_200_000) } }));
  expect(event).toMatchObject({ status: 400, body: { error: expect.stringContaining("limit") } });
  // Announced as too large: refused before anything is sent.
  const whole = request(`${bed.engine.url}/e/key`, {
    method: "POST",
    headers: { "content-length": 40_000_000 },
  });
  whole.on("error", () => {}); // the engine closes what it does not want to read
  whole.flushHeaders();
  const [response] = (await once(whole, "response")) as [IncomingMessage];
  expect(response.statusCode).toBe(413);
  whole.destroy();
});

test("a key that is none is refused", async () => {
  expect((await post('{"name":"a"}', {}, "/e/a%20b")).status).toBe(401);
});

test("pages of other sites are refused", async () => {
  const origin = { origin: "https://example.com" };
  expect((await post('{"name":"a"}', origin)).status).toBe(403);
  expect((await post('{"name":"a"}', { origin: "http://localhost:3000" })).status).toBe(200);
  // fetch does not let a Host through.
  const status = await new Promise((resolve, reject) => {
    request(`${bed.engine.url}/dev`, { headers: { host: "rebound.example.com" } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
  expect(status).toBe(403);
});

test("a repeated request stores its events once", async () => {
  const seed = {
    "x-inngest-event-id-seed": `${Date.now()},${Buffer.alloc(10, 7).toString("base64")}`,
  };
  let calls = 0;
  const fn = bed.client.createFunction(
    { id: "seeded", triggers: { event: "seeded" } },
    async () => ++calls,
  );
  await bed.serve(fn);
  const body = '[{"name":"seeded"},{"name":"seeded"}]';
  const [first, second] = [await post(body, seed), await post(body, seed)];
  expect(first.body.ids).toHaveLength(2);
  expect(second.body.ids).toEqual(first.body.ids);
  for (const id of first.body.ids ?? []) {
    await bed.ended(id);
    expect(await bed.runs(id)).toHaveLength(1);
  }
  expect(calls).toBe(2);
});

test("ten thousand events in one array are taken", async () => {
  const events = Array.from({ length: 10_000 }, (_, n) => ({ name: "many", data: { n } }));
  const answer = await post(JSON.stringify(events));
  expect(answer.status).toBe(200);
  expect(new Set(answer.body.ids).size).toBe(10_000);
  const last = await get<{ data: { data: { n: number } } }>(
    bed.engine,
    `/v1/events/${answer.body.ids?.[9_999]}`,
  );
  expect(last.data.data.n).toBe(9_999);
});

test("a realtime message over its limit is refused, where production would cut it", async () => {
  const { status, body } = await post("x".repeat(512 * 1024 + 1), {}, "/v1/realtime/publish");
  expect(status).toBe(413);
  expect(body.error).toContain("524288 bytes");
});

test("what the engine does not do is answered 501 with its name", async () => {
  for (const [method, path] of [
    ["GET", "/v1/realtime/connect"],
    ["POST", "/v1/checkpoint"],
    ["GET", "/v1/realtime/sse"],
    ["GET", "/nothing/here"],
  ] as const) {
    const response = await fetch(bed.engine.url + path, { method });
    expect(response.status).toBe(501);
    expect(await response.json()).toMatchObject({ error: expect.stringContaining(path) });
  }
});
