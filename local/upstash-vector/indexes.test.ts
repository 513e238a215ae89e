import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Index } from "@upstash/vector";
import { expect, test } from "vitest";
import { client, type TestServer, testServer } from "./test-server.ts";

const tokens = { one: "token-of-the-first-index", two: "token-of-the-second-index" };

const make = (server: TestServer, id: string, body: object) =>
  server.request(`_indexes/${id}`, { method: "PUT", body: JSON.stringify(body) });
const at = (server: TestServer, id: keyof typeof tokens, token: string = tokens[id]): Index =>
  client({
    UPSTASH_VECTOR_REST_URL: `${server.part.url}/indexes/${id}`,
    UPSTASH_VECTOR_REST_TOKEN: token,
  });

test("indexes have vectors and tokens of their own, and none reaches another", async () => {
  await using server = await testServer();
  for (const id of ["one", "two"] as const) {
    expect(await make(server, id, { token: tokens[id], type: "DENSE" })).toMatchObject({
      status: 200,
    });
  }
  await at(server, "one")
    .namespace("n")
    .upsert({ id: "a", vector: [1, 0] });
  await at(server, "two").upsert({ id: "b", vector: [0, 1] });
  expect(await at(server, "one").namespace("n").fetch(["a", "b"])).toMatchObject([
    { id: "a" },
    null,
  ]);
  expect(await at(server, "two").info()).toMatchObject({ vectorCount: 1, indexType: "DENSE" });
  expect(await server.index.info()).toMatchObject({ vectorCount: 0, indexType: "HYBRID" });
  const own = server.part.env.UPSTASH_VECTOR_REST_TOKEN;
  for (const token of [tokens.two, own, "nothing"]) {
    await expect(at(server, "one", token).info()).rejects.toThrow("Unauthorized");
  }
  expect(await server.request("indexes/three/info")).toMatchObject({ status: 401 });
  expect(await server.request("_indexes", { method: "GET" })).toEqual({
    status: 200,
    body: { result: ["one", "two"] },
  });
});

test("an index is made once, removed with its vectors, and only with the server's token", async () => {
  await using server = await testServer();
  const wanted = { token: tokens.one, type: "HYBRID" };
  await make(server, "one", wanted);
  await at(server, "one").upsert({ id: "a", data: "some words" });
  expect(await make(server, "one", wanted)).toMatchObject({ status: 200 });
  expect(await make(server, "one", { ...wanted, type: "DENSE" })).toMatchObject({ status: 422 });
  expect(await at(server, "one").info()).toMatchObject({ vectorCount: 1 });
  for (const [id, body] of [
    ["..", wanted],
    ["", wanted],
    ["three", { type: "DENSE" }],
  ] as const) {
    expect((await make(server, id, body)).status).toBeGreaterThanOrEqual(400);
  }
  const headers = { authorization: `Bearer ${tokens.one}` };
  expect(await server.request("_indexes", { method: "GET", headers })).toMatchObject({
    status: 401,
  });
  expect(await server.request("_indexes/one", { method: "DELETE", headers })).toMatchObject({
    status: 401,
  });
  expect(await server.request("_indexes/one", { method: "DELETE" })).toMatchObject({
    body: { result: { removed: true } },
  });
  expect(await server.request("_indexes/one", { method: "DELETE" })).toMatchObject({
    body: { result: { removed: false } },
  });
  await expect(at(server, "one").info()).rejects.toThrow("Unauthorized");
  await make(server, "one", wanted);
  expect(await at(server, "one").info()).toMatchObject({ vectorCount: 0 });
});

test("indexes survive the server's end; what was half-made or half-removed does not", async () => {
  await using server = await testServer();
  await make(server, "one", { token: tokens.one, type: "DENSE" });
  await at(server, "one").upsert({ id: "a", vector: [1, 0] });
  await server.part.close();
  for (const name of [".new-1", ".gone-1"]) await mkdir(join(server.dir, "indexes", name));
  await using again = await testServer({ dir: server.dir });
  expect(await at(again, "one").info()).toMatchObject({ vectorCount: 1 });
  expect(await readdir(join(server.dir, "indexes"))).toEqual(["one"]);
});
