import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { inspect } from "node:util";
import { Index } from "@upstash/vector";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Conflict, InvalidInput, Later, NotFound, Unavailable } from "#lib/errors.ts";
import { type Provider, providerOf } from "#lib/provision/providers.ts";
import {
  createVectorIndex,
  findVectorIndex,
  vectorCredentials,
} from "#lib/upstash/management-vector.ts";
import { createRedis, findRedis, redisCredentials } from "#lib/upstash/redis.ts";
import { until } from "#local/client.ts";
import { testUpstashApi } from "#local/upstash-api/testing.ts";

let upstash: Awaited<ReturnType<typeof testUpstashApi>>;
const region = "us-east-1";
const TYPES = ["upstash.vector", "upstash.redis"] as const;

beforeEach(async () => {
  upstash = await testUpstashApi();
  point();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await upstash[Symbol.asyncDispose]();
});

/** Points our code at the API, which has another port after each start. */
function point(): void {
  for (const [name, value] of Object.entries(upstash.part.env)) vi.stubEnv(name, value);
}

const soon = () => AbortSignal.timeout(10_000);
const failure = async (call: Promise<unknown>): Promise<Error> => {
  try {
    await call;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not fail");
};

/** How many there are, seen or not. */
async function count(): Promise<number> {
  const { indexes, databases } = await upstash.everything();
  return indexes.length + databases.length;
}

const redis = async ({ url, token }: { url: string; token: string }, ...command: unknown[]) => {
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(command),
  });
  return { status: response.status, body: (await response.json()) as unknown };
};

test.each(["withoutVectors", "withFullDisk"] as const)(
  "%s: an index that could not be made is not there, and its name is free",
  async (trouble) => {
    const at = await providerOf("upstash.vector");
    await upstash[trouble](async () => {
      expect(await failure(at.create({ name: "tried", region }, soon()))).toBeInstanceOf(
        Unavailable,
      );
      expect(await at.find("tried", soon())).toBeNull();
    });
    const { id } = await at.create({ name: "tried", region }, soon());
    await at.test(id, soon());
    const { indexes, served } = await upstash.everything();
    expect(indexes.map((index) => index.id)).toEqual([id]);
    expect(served).toEqual([id]);
  },
);

describe.each(TYPES)("%s", (type) => {
  let at: Provider;
  beforeEach(async () => {
    at = await providerOf(type);
  });

  test("it is made, read, found by its exact name, tested and deleted", async () => {
    const made = await at.create({ name: "shop-1", region }, soon());
    expect(made).toEqual({ id: expect.any(String), name: "shop-1", region });
    expect(await at.read(made.id, soon())).toEqual(made);
    expect(await at.find("shop-1", soon())).toEqual(made);
    expect(await at.find("shop", soon())).toBeNull();
    const values = await at.values(made.id, soon());
    expect(values).toEqual({ url: expect.stringContaining(made.id), token: expect.any(String) });
    await at.test(made.id, soon());
    await at.remove(made.id, soon());
    expect(await at.read(made.id, soon())).toBeNull();
    expect(await at.find("shop-1", soon())).toBeNull();
    expect(await upstash.everything()).toEqual({ indexes: [], databases: [], served: [] });
    expect(await failure(at.test(made.id, soon()))).toBeInstanceOf(NotFound);
    await at.remove(made.id, soon());
  });

  test("what was answered survives the end and kill -9, and so does what opens it", async () => {
    const made = await at.create({ name: "lasting", region }, soon());
    const { token } = await at.values(made.id, soon());
    await upstash.restart();
    const part = await upstash.asProcess();
    point();
    expect(await at.read(made.id, soon())).toEqual(made);
    const second = await at.create({ name: "also-lasting", region }, soon());
    await part.kill();
    await upstash.restart();
    point();
    expect(await at.find("also-lasting", soon())).toEqual(second);
    expect((await at.values(made.id, soon())).token).toBe(token);
    await at.test(made.id, soon());
  }, 60_000);

  test.each([
    { fault: "before", error: Unavailable, made: 0 },
    { fault: "after", error: Unavailable, made: 1 },
    { fault: "error500", error: Unavailable, made: 0 },
    { fault: "close", error: Unavailable, made: 0 },
    { fault: "close-after", error: Unavailable, made: 1 },
    { fault: "rate", error: Later, made: 0 },
  ])("$fault: the error says whether it may have been done ($made)", async (row) => {
    await upstash.fault({ fault: row.fault });
    const error = await failure(at.create({ name: "struck", region }, soon()));
    expect(error).toBeInstanceOf(row.error);
    if (error instanceof Later) expect(error.afterMs).toBe(1000);
    expect(await count()).toBe(row.made);
    expect((await at.find("struck", soon())) === null).toBe(row.made === 0);
  });

  test("a call that hangs ends with its signal, and what it did is found", async () => {
    await upstash.fault({ fault: "hang-after" });
    const gone = new AbortController();
    const call = failure(at.create({ name: "hung", region }, gone.signal));
    await until("it", () => at.find("hung", soon()));
    gone.abort();
    expect(await call).toBeInstanceOf(Unavailable);
    expect(await count()).toBe(1);
  });

  test("what lists do not show yet is there all the same", async () => {
    await upstash.fault({ fault: "delayed-reads", ms: 300 });
    const made = await at.create({ name: "late", region }, soon());
    expect(await at.find("late", soon())).toBeNull();
    expect(await count()).toBe(1);
    expect(await until("it", () => at.find("late", soon()))).toEqual(made);
  });

  test("refusals say what was refused; ids that are none are not sent", async () => {
    const error = await failure(at.create({ name: "x", region: "mars-1" }, soon()));
    expect(error).toBeInstanceOf(InvalidInput);
    expect(error).toMatchObject({ code: "upstash_refused", context: { status: 422 } });
    expect(error.message).toMatch(/region/);
    for (const id of ["", "..", "../../team/x"]) {
      expect(await at.read(id, soon())).toBeNull();
      await at.remove(id, soon());
    }
    await upstash.fault({ fault: "echo", status: 409, body: '{"error":"there is one"}' });
    expect(await failure(at.create({ name: "x", region }, soon()))).toBeInstanceOf(Conflict);
    vi.stubEnv("UPSTASH_API_KEY", "wrong");
    expect(await failure(at.find("x", soon()))).toMatchObject({ code: "upstash_key" });
  });

  test("an answer that is not one, or goes elsewhere, leaves open what was done", async () => {
    for (const body of ["<html>", "{}", '{"result":null}', "[{}]"]) {
      await upstash.fault({ fault: "echo", status: 200, body, on: "any" });
      expect(await failure(at.find("x", soon()))).toMatchObject({ code: "upstash_answer" });
    }
    expect(await at.find("x", soon())).toBeNull();
  });

  test("no secret is in an error, not even below its cause", async () => {
    const made = await at.create({ name: "quiet", region }, soon());
    const { token = "" } = await at.values(made.id, soon());
    const { UPSTASH_EMAIL: email, UPSTASH_API_KEY: key = "" } = upstash.part.env;
    const encoded = Buffer.from(`${email}:${key}`).toString("base64");
    const errors: unknown[] = [];
    for (const fault of ["error500", "close", "rate"]) {
      await upstash.fault({ fault, on: "any" });
      errors.push(await failure(at.values(made.id, soon())));
    }
    const said = `your key is ${key}, sent as ${encoded}; `.repeat(20);
    await upstash.fault({ fault: "echo", on: "read", body: said });
    errors.push(await failure(at.read(made.id, soon())));
    const credentials = { endpoint: "http://127.0.0.1:1", token, rest_token: token };
    await upstash.fault({
      fault: "echo",
      on: "read",
      status: 200,
      body: JSON.stringify(credentials),
    });
    errors.push(await failure(at.test(made.id, soon())));
    const text = inspect(errors, { depth: null, showHidden: true });
    expect(errors).toHaveLength(5);
    for (const secret of [key, encoded, token]) expect(text).not.toContain(secret);
  });
});

test("an index's name is there once, a database's may repeat: then one of them is found each time", async () => {
  await createVectorIndex({ name: "one", region }, soon());
  expect(await failure(createVectorIndex({ name: "one", region }, soon()))).toBeInstanceOf(
    InvalidInput,
  );
  const both = [
    await createRedis({ name: "two", region }, soon()),
    await createRedis({ name: "two", region }, soon()),
  ];
  const [first] = both.sort((a, b) => (a.id < b.id ? -1 : 1));
  for (let n = 0; n < 10; n++) expect(await findRedis("two", soon())).toEqual(first);
});

test("an index finds by meaning and word, and its token opens no other", async () => {
  const [one, two] = [
    await createVectorIndex({ name: "one", region }, soon()),
    await createVectorIndex({ name: "two", region }, soon()),
  ];
  const open = async (id: string) => vectorCredentials(id, soon());
  const client = new Index({ ...(await open(one.id)), retry: false, enableTelemetry: false });
  await client.upsert({ id: "a", data: "cats sleep in the sun" });
  expect(await client.query({ data: "cats", topK: 1 })).toMatchObject([{ id: "a" }]);
  const { url } = await open(two.id);
  const { token } = await open(one.id);
  const crossed = new Index({ url, token, retry: false, enableTelemetry: false });
  await expect(crossed.info()).rejects.toThrow("Unauthorized");
});

test("a database keeps what it is told, and its token opens no other", async () => {
  const [one, two] = [
    await createRedis({ name: "one", region: "us-central1" }, soon()),
    await createRedis({ name: "two", region }, soon()),
  ];
  expect(one.region).toBe("us-central1");
  const at = await redisCredentials(one.id, soon());
  const result = async (...command: unknown[]) => (await redis(at, ...command)).body;
  expect(await result("SET", "n", 5)).toEqual({ result: "OK" });
  expect(await result("SET", "n", 6, "NX")).toEqual({ result: null });
  expect(await result("INCR", "n")).toEqual({ result: 6 });
  expect(await result("EXPIRE", "n", 100)).toEqual({ result: 1 });
  expect(await result("TTL", "n")).toEqual({ result: 100 });
  expect(await result("SET", "gone", "x", "PX", 1)).toEqual({ result: "OK" });
  await until("its end", async () => {
    return JSON.stringify(await result("EXISTS", "gone")) === '{"result":0}';
  });
  expect(await redis(at, "LPUSH", "l", 1)).toMatchObject({ status: 400 });
  expect(await redis(at, "INCR", "n", "m")).toMatchObject({ status: 400 });
  expect(await redis(at, "SET", "s", "text")).toMatchObject({ status: 200 });
  expect(await redis(at, "INCR", "s")).toMatchObject({ status: 400 });
  const other = await redisCredentials(two.id, soon());
  expect(await redis({ ...other, token: at.token }, "GET", "n")).toMatchObject({ status: 401 });
  expect((await redis(other, "GET", "n")).body).toEqual({ result: null });
  await upstash.restart();
  point();
  const again = await redisCredentials(one.id, soon());
  expect((await redis(again, "GET", "n")).body).toEqual({ result: "6" });
  expect((await redis(again, "DEL", "n", "m")).body).toEqual({ result: 1 });
});

test("what is half-made is made whole at the start, and what is half-removed goes", async () => {
  const made = [];
  for (const name of ["not-served", "not-answered", "removing", "removed"]) {
    made.push(await createVectorIndex({ name, region }, soon()));
  }
  const [notServed, , , removed] = made;
  await upstash.part.close();
  for (const index of [notServed, removed]) {
    await fetch(`${upstash.vector.url}/_indexes/${index?.id}`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${upstash.vector.env.UPSTASH_VECTOR_REST_TOKEN}` },
    });
  }
  const state = new DatabaseSync(join(upstash.dir, "upstash-api.db"));
  state.exec("UPDATE indexes SET state = 'creating' WHERE name LIKE 'not%'");
  state.exec("UPDATE indexes SET state = 'deleting' WHERE name LIKE 'remov%'");
  state.close();
  await upstash.restart();
  point();
  const { indexes, served } = await upstash.everything();
  expect(indexes.map(({ name, state: is }) => [name, is]).sort()).toEqual([
    ["not-answered", "ready"],
    ["not-served", "ready"],
  ]);
  expect(served).toEqual(indexes.map(({ id }) => id).sort());
  const { test: tryIt } = await providerOf("upstash.vector");
  for (const { name, id } of made.slice(0, 2)) {
    expect(await findVectorIndex(name, soon())).toMatchObject({ id });
    await tryIt(id, soon());
  }
});

test("killed while indexes are made, it leaves none without a row and no row without one", async () => {
  const part = await upstash.asProcess();
  point();
  const calls = Array.from({ length: 8 }, (_, i) =>
    createVectorIndex({ name: `killed-${i}`, region }, soon()).catch((error: unknown) => error),
  );
  await until("a first index", async () => (await upstash.everything()).served.length > 0);
  await part.kill();
  await Promise.all(calls);
  await upstash.restart();
  const { indexes, served } = await upstash.everything();
  expect(served.length).toBeGreaterThan(0);
  expect(indexes.every(({ state }) => state === "ready")).toBe(true);
  expect(served).toEqual(indexes.map(({ id }) => id).sort());
}, 60_000);
