import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../client.ts";
import type { LocalPart } from "../part.ts";
import { startPartProcess } from "../process.ts";
import { FAULTS } from "./schemas.ts";
import { startLedger } from "./server.ts";

let dir: string;
let ledger: LocalPart;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "countersign-ledger-"));
  ledger = await startLedger({ dir });
});
afterEach(async () => {
  await ledger.close();
  await rm(dir, { recursive: true, force: true });
});

interface Made {
  id: string;
  name: string;
  marker: string;
  url: string;
}

async function call(method: string, path: string, body?: unknown, signal?: AbortSignal) {
  const response = await fetch(`${ledger.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${ledger.env.LEDGER_TOKEN}` },
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
}

const object = (more: object = {}) => ({
  kind: "entry",
  name: "first",
  value: { n: 1 },
  head: "h0",
  marker: "eff_1",
  ...more,
});
const create = (more: object = {}, signal?: AbortSignal) =>
  call("POST", "/books/b/objects", object(more), signal);
const fault = (more: object) => call("PUT", "/_faults", { book: "b", ...more });
const objects = async (query = ""): Promise<Made[]> =>
  (await call("GET", `/books/b/objects${query}`)).body.objects;

test("an object is created once and found by its marker, at the address that it names", async () => {
  const made = await create();
  expect(made).toMatchObject({ status: 201, body: object() });
  expect(await objects("?marker=eff_1")).toEqual([made.body]);
  expect(await objects("?marker=eff_2")).toEqual([]);
  const again = await fetch(made.body.url, {
    headers: { authorization: `Bearer ${ledger.env.LEDGER_TOKEN}` },
  });
  expect(await again.json()).toEqual({ objects: [made.body] });
  expect(await call("GET", "/books/other/objects")).toMatchObject({ body: { objects: [] } });
});

test("a moved head, a taken name and a taken marker are refused and change nothing", async () => {
  expect(await call("GET", "/books/b")).toMatchObject({ body: { book: "b", head: "h0" } });
  await create();
  expect(await create({ marker: "eff_2" })).toMatchObject({
    status: 409,
    body: { code: "name_taken", head: "h0" },
  });
  expect(await create({ name: "second" })).toMatchObject({
    status: 409,
    body: { code: "marker_taken" },
  });
  await call("PUT", "/books/b/head", { head: "h1" });
  expect(await create({ name: "second", marker: "eff_2" })).toMatchObject({
    status: 409,
    body: { code: "head_moved", head: "h1" },
  });
  expect(await objects()).toHaveLength(1);
  expect(await create({ name: "second", marker: "eff_2", head: "h1" })).toMatchObject({
    status: 201,
  });
});

test("told to allow duplicates, it makes a second object of the same name and marker", async () => {
  await call("PUT", "/_books/b", { allowDuplicates: true });
  const [first, second] = [await create(), await create()];
  expect([first.status, second.status]).toEqual([201, 201]);
  expect((await objects("?marker=eff_1")).map(({ id }) => id)).toEqual([
    first.body.id,
    second.body.id,
  ]);
});

const STRIKES = [
  { fault: "before", status: 500, done: 0 },
  { fault: "after", status: 500, done: 1 },
  { fault: "error500", status: 500, done: 0 },
  { fault: "rate", status: 429, done: 0 },
  { fault: "echo", status: 403, done: 0 },
  { fault: "close", status: undefined, done: 0 },
  { fault: "close-after", status: undefined, done: 1 },
  { fault: "hang", status: undefined, done: 0 },
  { fault: "hang-after", status: undefined, done: 1 },
];
test("every fault is tried here", () => {
  const tried = [...STRIKES.map((row) => row.fault), "delayed-reads"];
  expect(tried.sort()).toEqual(FAULTS.toSorted());
});
test.each(STRIKES)(
  "$fault answers $status, with $done objects made, as often as it was told",
  async (row) => {
    const echo = row.fault === "echo" ? { status: 403, body: '"no"' } : {};
    await fault({ fault: row.fault, ms: 50, times: 2, ...echo });
    await call("PUT", "/_books/b", { allowDuplicates: true });
    for (const strike of [1, 2]) {
      const answer = await create().catch((error: Error) => error);
      if (row.status === undefined) expect(answer).toBeInstanceOf(Error);
      else expect(answer).toMatchObject({ status: row.status });
      if (row.fault !== "error500") expect(await objects()).toHaveLength(row.done * strike);
    }
    expect(await create()).toMatchObject({ status: 201 });
    expect(await objects()).toHaveLength(row.done * 2 + 1);
  },
);

test("a rate limit says when to come again", async () => {
  await fault({ fault: "rate" });
  expect((await create()).headers.get("retry-after")).toBe("1");
});

test("an echo says what it was told, as it is", async () => {
  await fault({ fault: "echo", body: '{"your":"token"}' });
  expect(await create()).toMatchObject({ status: 422, body: { your: "token" } });
});

test("a hanging call ends when its caller gives up, and what it did stays", async () => {
  await fault({ fault: "hang-after" });
  const gone = new AbortController();
  const answer = create({}, gone.signal);
  await until("the object", async () => (await objects()).length === 1);
  gone.abort();
  await expect(answer).rejects.toThrow();
  expect(await create({ name: "second", marker: "eff_2" })).toMatchObject({ status: 201 });
});

test("delayed reads: an object is there, but readers see it later", async () => {
  await fault({ fault: "delayed-reads", ms: 300 });
  const { body } = await create();
  expect(await objects("?marker=eff_1")).toEqual([]);
  expect(await call("GET", "/_books/b/objects")).toMatchObject({ body: { objects: [body] } });
  expect(await create({ marker: "eff_2" })).toMatchObject({ body: { code: "name_taken" } });
  const seen = await until("the object", async () => {
    const found = await objects("?marker=eff_1");
    return found.length > 0 && found;
  });
  expect(seen).toEqual([body]);
});

test("faults strike their own book and what they were set on, in order, until cleared", async () => {
  await fault({ fault: "before", on: "read" });
  expect(await create()).toMatchObject({ status: 201 });
  expect(await call("GET", "/books/b")).toMatchObject({ status: 500 });
  expect(await call("GET", "/books/b")).toMatchObject({ status: 200 });
  await fault({ fault: "rate" });
  await fault({ fault: "before", times: 100 });
  await fault({ book: "other", fault: "before" });
  expect(await create({ name: "second", marker: "eff_2" })).toMatchObject({ status: 429 });
  expect(await create({ name: "second", marker: "eff_2" })).toMatchObject({ status: 500 });
  expect(await call("DELETE", "/_faults/b")).toMatchObject({ status: 204 });
  expect(await create({ name: "second", marker: "eff_2" })).toMatchObject({ status: 201 });
});

test("no token, bad bodies and unknown routes get an error that says so, and change nothing", async () => {
  expect((await fetch(`${ledger.url}/books/b`)).status).toBe(401);
  const wrong = { headers: { authorization: "Bearer wrong" } };
  expect((await fetch(`${ledger.url}/books/b`, wrong)).status).toBe(401);
  expect(await call("POST", "/books/b/objects", "{")).toMatchObject({ status: 422 });
  expect(await create({ name: "" })).toMatchObject({
    status: 422,
    body: { message: expect.stringContaining("name") },
  });
  expect(await create({ more: 1 })).toMatchObject({ status: 422 });
  expect(await create({ value: "x".repeat(300_000) })).toMatchObject({ status: 413 });
  expect(await fault({ fault: "nonsense" })).toMatchObject({ status: 422 });
  expect(await call("PATCH", "/books/b")).toMatchObject({ status: 501 });
  expect(await objects()).toEqual([]);
});

test("what was answered survives kill -9; the token stays and is its owner's alone", async () => {
  await ledger.close();
  const part = await startPartProcess(new URL("main.ts", import.meta.url).pathname, { dir });
  ledger = part;
  const { body } = await create();
  await fault({ fault: "before" });
  await part.kill();
  ledger = await startLedger({ dir });
  expect(ledger.env.LEDGER_TOKEN).toBe(part.env.LEDGER_TOKEN);
  expect((await stat(join(dir, "token"))).mode & 0o777).toBe(0o600);
  // The address is the port's, which is another one now.
  expect(await objects()).toEqual([{ ...body, url: expect.any(String) }]);
  expect(await create({ name: "second", marker: "eff_2" })).toMatchObject({ status: 500 });
});
