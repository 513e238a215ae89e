import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "#local/client.ts";
import { type CallWatch, type HttpGate, type Pass, startHttpGate } from "./http-gate.ts";

let service: Server;
let gate: HttpGate;
let watch: Partial<CallWatch>;
/** What reached the service. */
let heard: string[];
let hang: boolean;

beforeEach(async () => {
  watch = {};
  heard = [];
  hang = false;
  service = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    heard.push(`${request.method} ${request.url} ${body}`);
    if (!hang) response.writeHead(201, { "x-kept": "yes" }).end("done");
  }).listen(0, "127.0.0.1");
  await once(service, "listening");
  const { port } = service.address() as AddressInfo;
  gate = await startHttpGate(() => `http://127.0.0.1:${port}`, {
    before: (call) => watch.before?.(call) ?? true,
    after: (call) => watch.after?.(call) ?? true,
  });
});
afterEach(async () => {
  await gate.close();
  service.closeAllConnections();
  service.close();
});

const post = (signal?: AbortSignal) =>
  fetch(`${gate.url}/a?b=1`, { method: "POST", body: "hello", signal });

test("a call and its answer pass unchanged", async () => {
  const response = await post();
  expect([response.status, response.headers.get("x-kept")]).toEqual([201, "yes"]);
  expect(await response.text()).toBe("done");
  expect(heard).toEqual(["POST /a?b=1 hello"]);
});

test("cut before: the service heard nothing; cut after: it did, and the caller does not know", async () => {
  watch.before = () => false;
  await expect(post()).rejects.toThrow();
  expect(heard).toEqual([]);
  watch = { after: () => false };
  await expect(post()).rejects.toThrow();
  expect(heard).toHaveLength(1);
});

test.each([
  { pass: true, reached: 1 },
  { pass: "if awaited", reached: 0 },
] as const)("a call that is let go with $pass after its caller has gone", async (row) => {
  const { promise, resolve } = Promise.withResolvers<Pass>();
  let held = false;
  watch.before = () => {
    held = true;
    return promise;
  };
  const gone = new AbortController();
  const answer = post(gone.signal);
  await until("the call at the gate", async () => held);
  gone.abort();
  await expect(answer).rejects.toThrow();
  await until("the caller's end at the gate", async () => gate.callers() === 0);
  watch = {};
  resolve(row.pass);
  await post();
  await until("the calls", async () => heard.length > row.reached);
  expect(heard).toHaveLength(row.reached + 1);
});

test("an abandoned caller is cut off while the service goes on; a caller that leaves takes its call along", async () => {
  hang = true;
  const first = post();
  first.catch(() => {});
  await until("the first call", async () => heard.length === 1);
  gate.abandon();
  await expect(first).rejects.toThrow();
  expect(gate.underWay()).toBe(1);
  const gone = new AbortController();
  const second = post(gone.signal);
  await until("the second call", async () => heard.length === 2);
  gone.abort();
  await expect(second).rejects.toThrow();
  await until("the second call's end", async () => gate.underWay() === 1);
});
