import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestBed } from "../test-app.ts";
import { startBed } from "./bed.ts";

let bed: TestBed;
/** Some service that functions call through the engine. */
let service: Server;
let serviceUrl: string;
let failures = 0;

beforeAll(async () => {
  service = createServer(
    (request, response) =>
      void answer(request).then((json) => {
        const failed = request.url === "/broken" || (request.url === "/flaky" && ++failures < 3);
        response.writeHead(failed ? 500 : 200, {
          "content-type": "application/json",
          "x-own": "yes",
        });
        response.end(JSON.stringify(json));
      }),
  );
  service.listen(0, "127.0.0.1");
  await once(service, "listening");
  serviceUrl = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  bed = await startBed();
});
afterAll(async () => {
  await bed.close();
  service.close();
});

async function answer(request: IncomingMessage) {
  const { method, url, headers } = request;
  return { method, url, authorization: headers.authorization, body: await text(request) };
}

async function post(path: string, body: unknown) {
  const response = await fetch(bed.engine.url + path, {
    method: "POST",
    body: JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

test.concurrent("step.fetch lets the engine make the call", async () => {
  const fn = bed.client.createFunction(
    { id: "fetching", triggers: { event: "fetching" } },
    async ({ step }) => {
      const response = await step.fetch(`${serviceUrl}/path`, { method: "PUT", body: "sent" });
      const gone = await step.fetch("http://127.0.0.1:1/").catch(String);
      return {
        status: response.status,
        own: response.headers.get("x-own"),
        json: await response.json(),
        gone,
      };
    },
  );
  await bed.serve(fn);
  const run = await bed.ended(await bed.send("fetching"));
  expect(run).toMatchObject({
    status: "Completed",
    output: { status: 200, own: "yes", json: { method: "PUT", url: "/path", body: "sent" } },
  });
  expect((run.output as { gone: string }).gone).toContain("Error making gateway request");
});

test.concurrent("step.ai.infer calls with the key, again when it fails, and throws in the end", async () => {
  const model = (path: string) =>
    ({
      format: "openai-chat",
      url: serviceUrl + path,
      authKey: "secret",
      headers: {},
      options: {},
    }) as never;
  const fn = bed.client.createFunction(
    { id: "inferring", triggers: { event: "inferring" }, retries: 2 },
    async ({ step }) => {
      const body = { messages: [] } as never;
      const good: unknown = await step.ai.infer("good", { model: model("/flaky"), body });
      const bad = await step.ai.infer("bad", { model: model("/broken"), body }).catch(String);
      return { good, bad };
    },
  );
  await bed.serve(fn);
  const run = await bed.ended(await bed.send("inferring"));
  expect(run).toMatchObject({
    status: "Completed",
    output: {
      good: { method: "POST", authorization: "Bearer secret", body: '{"messages":[]}' },
      bad: expect.stringContaining("unsuccessful status code: 500"),
    },
  });
  expect(failures).toBe(3);
});

test.concurrent("a signal wakes the run that waits for it, once", async () => {
  const fn = bed.client.createFunction(
    { id: "signalled", triggers: { event: "signalled" } },
    async ({ step }) =>
      step.waitForSignal("wait", { signal: "go/1", timeout: "1h", onConflict: "fail" }),
  );
  const sender = bed.client.createFunction(
    { id: "signaller", triggers: { event: "signaller" } },
    async ({ step }) => step.sendSignal("send", { signal: "go/1", data: { n: 1 } }),
  );
  await bed.serve(fn, sender);
  expect((await post("/v1/signals", { signal: "go/1", data: 0 })).status).toBe(404);
  const waiting = await bed.send("signalled");
  await bed.waiting("signal", waiting);
  await bed.send("signaller");
  const run = await bed.ended(waiting);
  expect(run).toMatchObject({ status: "Completed", output: { signal: "go/1", data: { n: 1 } } });
  expect((await post("/v1/signals", { signal: "go/1" })).status).toBe(404);
  expect((await post("/v1/signals", { data: 1 })).status).toBe(400);
});

/** Serves a function that waits for the signal of its own name, as long as its event says. */
async function serveSignalled(id: string, onConflict: "fail" | "replace"): Promise<void> {
  const fn = bed.client.createFunction({ id, triggers: { event: id } }, async ({ event, step }) =>
    step.waitForSignal("wait", { signal: id, timeout: event.data.timeout, onConflict }),
  );
  await bed.serve(fn);
}

test.concurrent("a second wait for the same signal fails its run", async () => {
  await serveSignalled("contested", "fail");
  const first = await bed.send("contested", { timeout: "1h" });
  await bed.waiting("signal", first);
  expect(await bed.ended(await bed.send("contested", { timeout: "1h" }))).toMatchObject({
    status: "Failed",
    output: { message: expect.stringContaining("Signal conflict") },
  });
  await post("/v1/signals", { signal: "contested", data: 1 });
  expect(await bed.ended(first)).toMatchObject({ status: "Completed", output: { data: 1 } });
});

test.concurrent("a second wait may replace the first, which times out with null", async () => {
  await serveSignalled("replaced", "replace");
  const first = await bed.send("replaced", { timeout: "2s" });
  await bed.waiting("signal", first);
  const second = await bed.send("replaced", { timeout: "1h" });
  await bed.waiting("signal", second);
  await post("/v1/signals", { signal: "replaced", data: 2 });
  expect(await bed.ended(second)).toMatchObject({ status: "Completed", output: { data: 2 } });
  expect(await bed.ended(first)).toMatchObject({ status: "Completed", output: null });
});

test.concurrent("a bulk cancellation ends the runs that match, and no others", async () => {
  const fn = bed.client.createFunction(
    { id: "many", triggers: { event: "many" } },
    async ({ step }) => step.sleep("long", "1h"),
  );
  await bed.serve(fn);
  const [one, two] = [await bed.send("many", { n: 1 }), await bed.send("many", { n: 2 })];
  const asked = {
    app_id: bed.client.id,
    function_id: "many",
    started_before: new Date().toISOString(),
  };
  const answer = await post("/v1/cancellations", { ...asked, if: "event.data.n == 1" });
  expect(answer).toMatchObject({ status: 200, json: { data: { function_id: "many" } } });
  expect((await bed.ended(one)).status).toBe("Cancelled");
  expect((await bed.runs(two))[0]?.status).toBe("Running");
  const before = { ...asked, started_before: "2020-01-01T00:00:00Z" };
  expect((await post("/v1/cancellations", before)).status).toBe(200);
  expect((await bed.runs(two))[0]?.status).toBe("Running");
  expect((await post("/v1/cancellations", { ...asked, function_id: "no" })).status).toBe(404);
  expect((await post("/v1/cancellations", { ...asked, if: "event." })).status).toBe(400);
  expect((await post("/v1/cancellations", {})).status).toBe(400);
});

test.concurrent("a function is invoked directly", async () => {
  const fn = bed.client.createFunction({ id: "direct" }, async ({ event }) => event.data);
  await bed.serve(fn);
  const { status, json } = await post(`/invoke/${bed.client.id}-direct`, { data: { n: 1 } });
  expect(status).toBe(200);
  const run = await bed.ended(String(json.id));
  expect(run).toMatchObject({ status: "Completed", output: { n: 1 } });
  expect((await post(`/invoke/${bed.client.id}-unknown`, {})).status).toBe(404);
});

test.concurrent("the queries of the SDK's own test harness", async () => {
  const fn = bed.client.createFunction(
    { id: "queried", triggers: { event: "queried" }, retries: 0 },
    async ({ event }) => {
      if (event.data.fail) throw new RangeError("on purpose");
      return { n: 1 };
    },
  );
  await bed.serve(fn);
  const ownId = randomUUID();
  const eventId = await bed.send("queried", {}, ownId);
  const good = await bed.ended(eventId);
  const bad = await bed.ended(await bed.send("queried", { fail: true }));
  const ask = async (query: string, id: string) =>
    (await post("/v0/gql", { query, variables: { id } })).json.data;
  const trace =
    "query ($id: String!) { run(runID: $id) { status trace(preview: true) { status outputID } } }";
  expect(await ask(trace, good.run_id)).toMatchObject({
    run: { trace: { status: "COMPLETED", outputID: good.run_id } },
  });
  expect(await ask(trace, bad.run_id)).toMatchObject({ run: { trace: { status: "FAILED" } } });
  expect(await ask(trace, "unknown")).toEqual({ run: null });
  const output =
    "query ($id: String!) { runTraceSpanOutputByID(outputID: $id) { data error { message name } } }";
  expect(await ask(output, good.run_id)).toEqual({
    runTraceSpanOutputByID: { data: '{"n":1}', error: null },
  });
  expect(await ask(output, bad.run_id)).toMatchObject({
    runTraceSpanOutputByID: { data: null, error: { name: "RangeError", message: "on purpose" } },
  });
  const event = "query Event($id: ULID!) { eventV2(id: $id) { idempotencyKey name raw } }";
  expect(await ask(event, eventId)).toMatchObject({
    eventV2: { name: "queried", idempotencyKey: ownId },
  });
});
