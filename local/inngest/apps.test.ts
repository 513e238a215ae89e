import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { get, startTestBed, type TestBed, until } from "./test-app.ts";

const CALL_TIMEOUT_MS = 1000;

let bed: TestBed;
const strangers: Server[] = [];

beforeAll(async () => {
  bed = await startTestBed({ callTimeoutMs: CALL_TIMEOUT_MS });
});
afterEach(() => {
  for (const server of strangers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => bed.close());

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(bed.engine.url + path, { method: "POST", body: JSON.stringify(body), headers });

function functionOf(id: string, url: string, more: Record<string, unknown> = {}) {
  return {
    id,
    triggers: [{ event: id }],
    steps: { step: { runtime: { type: "http", url }, retries: { attempts: 1 } } },
    ...more,
  };
}

/** An app that is not the SDK, with one function named `id`. */
async function serveStranger(id: string, listener: RequestListener): Promise<void> {
  const server = createServer(listener);
  strangers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const response = await post("/fn/register", {
    url,
    appName: id,
    functions: [functionOf(id, url)],
  });
  expect(response.status).toBe(200);
}

test("events for an app that is down are delivered when it is back", async () => {
  const seen: unknown[] = [];
  const fn = bed.client.createFunction(
    { id: "down", retries: 0, triggers: { event: "down" } },
    async ({ event }) => seen.push(event.data.n),
  );
  await bed.serve(fn);
  await bed.stopApp();
  const ids = [await bed.send("down", { n: 1 }), await bed.send("down", { n: 2 })];
  const run = await until(async () => (await bed.runs(ids[0] ?? ""))[0]);
  await until(async () => {
    const { data } = await get<{ data: { last_error: string }[] }>(
      bed.engine,
      `/v1/runs/${run.run_id}/jobs`,
    );
    return data[0]?.last_error?.includes("ECONNREFUSED");
  });
  await bed.startApp();
  for (const id of ids) expect((await bed.ended(id)).status).toBe("Completed");
  expect(seen.sort()).toEqual([1, 2]);
});

test.each<[string, RequestListener, string]>([
  ["HTML", (_, response) => response.writeHead(200).end("<html>hello</html>"), "not the SDK's"],
  ["an HTML error", (_, response) => response.writeHead(502).end("<h1>Bad gateway</h1>"), "502"],
  ["ops that are none", (_, response) => response.writeHead(206).end('{"x":1}'), "not the SDK's"],
  ["nothing in time", () => {}, "no answer within"],
  [
    "an unknown operation",
    (_, response) => response.writeHead(206).end('[{"id":"1","op":"Fly"}]'),
    "Fly",
  ],
])("an app that answers %s fails its attempts, not the engine", async (what, listener, reason) => {
  const id = what.replaceAll(" ", "-");
  await serveStranger(id, listener);
  const run = await bed.ended(await bed.send(id));
  expect(run.status).toBe("Failed");
  expect(JSON.stringify(run.output)).toContain(reason);
});

test("a connection that breaks is tried again without counting an attempt", async () => {
  let calls = 0;
  await serveStranger("breaks", (request) => {
    calls++;
    // Only the first ten in a row are taken for restarts of the app; waiting for them is too slow for a test.
    request.socket.destroy();
  });
  const run = await until(async () => (await bed.runs(await bed.send("breaks", {}, "breaks")))[0]);
  await until(() => calls >= 3);
  const { data } = await get<{ data: { attempt: number; last_error: string }[] }>(
    bed.engine,
    `/v1/runs/${run.run_id}/jobs`,
  );
  expect(data[0]).toMatchObject({ attempt: 0, last_error: expect.any(String) });
  await fetch(`${bed.engine.url}/v1/runs/${run.run_id}`, { method: "DELETE" });
});

test("the last step of as many as a run may have can be told twice", async () => {
  const steps = Array.from({ length: 1000 }, (_, n) => ({ id: `s${n}`, op: "StepRun", data: n }));
  let calls = 0;
  await serveStranger("told-twice", (_, response) => {
    const end = { id: "end", op: "RunComplete", data: "ended" };
    const ops = calls++ === 0 ? steps : [...steps.slice(-1), end];
    response.writeHead(206).end(JSON.stringify(ops));
  });
  const run = await bed.ended(await bed.send("told-twice"));
  expect(run).toMatchObject({ status: "Completed", output: "ended" });
});

const url = "http://127.0.0.1:9/";
test.each<[string, unknown, string]>([
  ["no app", { url, functions: [] }, "appName"],
  [
    "a URL elsewhere",
    { url: "http://example.com/", appName: "x", functions: [] },
    "on this machine",
  ],
  [
    "a function elsewhere",
    { url, appName: "x", functions: [functionOf("x-f", "http://10.0.0.1/")] },
    "x-f",
  ],
  [
    "a bad condition",
    {
      url,
      appName: "x",
      functions: [functionOf("x-f", url, { triggers: [{ event: "a", expression: "((" }] })],
    },
    "expression",
  ],
  [
    "a bad cron",
    { url, appName: "x", functions: [functionOf("x-f", url, { triggers: [{ cron: "daily" }] })] },
    "x-f",
  ],
  [
    "three concurrency keys",
    {
      url,
      appName: "x",
      functions: [functionOf("x-f", url, { concurrency: [1, 2, 3].map((limit) => ({ limit })) })],
    },
    "concurrency",
  ],
  [
    "a cancelOn window over a year",
    {
      url,
      appName: "x",
      functions: [functionOf("x-f", url, { cancel: [{ event: "a", timeout: "400d" }] })],
    },
    "cancel.0.timeout",
  ],
  [
    "an unknown setting",
    { url, appName: "x", functions: [functionOf("x-f", url, { turbo: true })] },
    "turbo",
  ],
])("a registration with %s is refused and changes nothing", async (_, body, reason) => {
  const before = await get(bed.engine, "/dev");
  const response = await post("/fn/register", body);
  expect(response.status).toBe(400);
  expect(((await response.json()) as { error: string }).error).toContain(reason);
  expect(await get(bed.engine, "/dev")).toEqual(before);
});

test("an app that expects another kind of server is refused", async () => {
  const body = { url, appName: "x", functions: [] };
  const headers = { "x-inngest-expected-server-kind": "cloud" };
  expect((await post("/fn/register", body, headers)).status).toBe(400);
});

test("the engine syncs its apps at the start, also ones that come up later", async () => {
  const app = await startTestBed();
  const fn = app.client.createFunction({ id: "late", triggers: { event: "late" } }, async () => 1);
  await app.serve(fn);
  await app.stopApp();
  // The engine under test; the app above registers with its own engine, so what counts is that it gets the PUT.
  const asked: string[] = [];
  const watcher = await startTestBed({ apps: [app.appUrl] });
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.headers["x-inngest-server-kind"]}`);
    response.writeHead(asked.length < 2 ? 500 : 200).end("{}");
  });
  strangers.push(server);
  server.listen(Number(new URL(app.appUrl).port), "127.0.0.1");
  await until(() => asked.length >= 2);
  expect(asked).toEqual(["PUT dev", "PUT dev"]);
  await watcher.close();
  await app.close();
});
