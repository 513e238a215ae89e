import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestServer, testServer } from "./test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
  await server.index.upsert({
    id: "kept",
    vector: [1, 2],
    sparseVector: { indices: [1], values: [1] },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const record = (more: object) => ({
  id: "x",
  vector: [1, 2],
  sparseVector: { indices: [1], values: [1] },
  ...more,
});

describe("a request that is not acceptable says why and changes nothing", () => {
  test.each<[string, unknown, string]>([
    ["upsert", record({ vector: [1, 2, 3] }), "Invalid vector dimension: 3, expected: 2"],
    ["upsert", { id: "x", vector: [1, 2] }, "needs a sparseVector"],
    ["upsert", { id: "x", sparseVector: { indices: [1], values: [1] } }, "needs a vector"],
    ["upsert", [record({ id: "good" }), record({ id: "" })], "1.id"],
    ["upsert", record({ id: undefined }), "id"],
    ["upsert", record({ id: "x".repeat(1_025) }), "id"],
    ["upsert", record({ vector: [1, "2"] }), "vector.1"],
    ["upsert", record({ vector: [1, 1e39] }), "vector.1"],
    ["upsert", record({ vector: [] }), "must not be empty"],
    [
      "upsert",
      record({ sparseVector: { indices: [1, 2], values: [1] } }),
      "as many indices as values",
    ],
    ["upsert", record({ sparseVector: { indices: [1.5], values: [1] } }), "sparseVector.indices.0"],
    [
      "upsert",
      record({ sparseVector: { indices: [2 ** 31], values: [1] } }),
      "sparseVector.indices.0",
    ],
    ["upsert", record({ metadata: "text" }), "metadata"],
    ["upsert", record({ metadata: { a: "x".repeat(49_152) } }), "must not exceed 49152 bytes"],
    ["upsert", record({ data: "x".repeat(2 ** 20 + 1) }), "must not exceed 1048576 bytes"],
    ["upsert", Array.from({ length: 1_001 }, (_, i) => record({ id: `${i}` })), "1000"],
    ["upsert", [], "must not be empty"],
    ["upsert", undefined, "expected object"],
    ["upsert-data", { id: "x" }, "data"],
    ["upsert-data", { id: "x", data: " \n" }, "must not be empty"],
    ["update", { id: "kept" }, "nothing to update"],
    ["update", { id: "kept", vector: [1, 2] }, "both or none"],
    ["update", { id: "kept", metadata: {}, metadataUpdateMode: "MERGE" }, "metadataUpdateMode"],
    ["query", { topK: 1 }, "no vector"],
    ["query", { vector: [1], topK: 1 }, "Invalid vector dimension: 1, expected: 2"],
    ["query", { vector: [1, 2], topK: 0 }, "topK"],
    ["query", { vector: [1, 2], topK: 1_001 }, "topK"],
    ["query", { vector: [1, 2], queryMode: "SPARSE" }, "no vector for the SPARSE mode"],
    ["query", { vector: [1, 2], fusionAlgorithm: "SUM" }, "fusionAlgorithm"],
    ["query", { vector: [1, 2], weightingStrategy: "TF" }, "weightingStrategy"],
    [
      "query",
      { vector: [1, 2], filter: "a = " },
      "Invalid filter: expected a string, number or boolean at position 4",
    ],
    ["query", [{ vector: [1, 2] }, {}], "no vector"],
    ["query-data", { data: "" }, "data"],
    ["fetch", { ids: ["a"], prefix: "a" }, "Only one of ids or prefix must be provided."],
    ["fetch", {}, "Only one of ids or prefix must be provided."],
    [
      "delete",
      { ids: ["kept"], prefix: "k" },
      "Only and only one of the ids, prefix, or filter must be provided.",
    ],
    ["delete", { filter: "a ? 1" }, "Invalid filter: unexpected character at position 2"],
    ["range", { cursor: "0", limit: 0 }, "limit"],
    ["range", { cursor: "0", limit: 1_001 }, "limit"],
    ["range", { cursor: "abc", limit: 1 }, "cursor"],
    ["resumable-query", { vector: [1, 2], maxIdle: -1 }, "maxIdle"],
    ["resumable-query-next", { uuid: "x" }, "additionalK"],
    ["delete-namespace/", {}, "The default namespace cannot be deleted"],
    [
      "rename-namespace",
      { namespace: "", newNamespace: "b" },
      "The default namespace cannot be renamed",
    ],
  ])("%s %#: %3$s", async (path, body, message) => {
    const { status, body: answer } = await server.request(path, { body: JSON.stringify(body) });
    expect(answer).toEqual({ error: expect.stringContaining(message), status: 422 });
    expect(status).toBe(422);
    const { vectors } = await server.index.range({ cursor: 0, limit: 10 });
    expect(vectors).toEqual([{ id: "kept" }]);
  });
});

test.each([
  ["a missing token", {}, ""],
  ["a wrong token", { authorization: "Bearer wrong" }, "Bearer wrong"],
  ["a token without Bearer", { authorization: "wrong" }, "wrong"],
])("%s is a 401 in Upstash's words", async (_, __, authorization) => {
  const answer = await server.request("info", { headers: { authorization } });
  expect(answer).toEqual({
    status: 401,
    body: { error: "Unauthorized: Invalid auth token", status: 401 },
  });
});

test("an unknown command, namespace or resumable query is a 404", async () => {
  expect(await server.request("nothing/here")).toMatchObject({
    status: 404,
    body: { status: 404 },
  });
  expect(await server.request("delete-namespace/ns")).toMatchObject({
    status: 404,
    body: { error: "Namespace ns for the index local does not exist", status: 404 },
  });
  for (const path of ["resumable-query-next", "resumable-query-end"]) {
    const body = JSON.stringify({ uuid: "550e8400-e29b-41d4-a716-446655440000", additionalK: 1 });
    expect(await server.request(path, { body })).toMatchObject({ status: 404 });
  }
});

test("what is not JSON or not a path is a 400, another method a 405, too large a body a 413", async () => {
  expect(await server.request("upsert", { body: "{" })).toMatchObject({ status: 400 });
  expect(await server.request("query/%E0%A4%A", { body: "{}" })).toMatchObject({ status: 400 });
  expect(await server.request("info", { method: "PATCH" })).toMatchObject({ status: 405 });
  expect(await server.request("info", { method: "HEAD" })).toEqual({
    status: 200,
    body: undefined,
  });
  const body = Buffer.alloc(64 * 1024 * 1024 + 1, " ");
  expect(await server.request("upsert", { body })).toMatchObject({ status: 413 });
});

test("a dense index takes no sparse vectors and a sparse one no dense ones", async () => {
  await using dense = await testServer({ indexType: "DENSE" });
  await using sparse = await testServer({ indexType: "SPARSE" });
  await dense.index.upsert({ id: "a", vector: [1, 2] });
  await sparse.index.upsert({ id: "a", sparseVector: { indices: [1], values: [0.5] } });
  await dense.index.upsert({ id: "b", data: "hello" });
  await sparse.index.upsert({ id: "b", data: "hello" });
  expect(await dense.index.query({ vector: [1, 2], topK: 1 })).toEqual([{ id: "a", score: 1 }]);
  expect(await sparse.index.query({ data: "hello", topK: 5 })).toMatchObject([{ id: "b" }]);
  const refused = { id: "c", vector: [1, 2], sparseVector: { indices: [1], values: [1] } };
  await expect(dense.index.upsert(refused)).rejects.toThrow("This is a dense index");
  await expect(sparse.index.upsert(refused)).rejects.toThrow("This is a sparse index");
  expect(await sparse.index.info()).toMatchObject({ indexType: "SPARSE", dimension: 0 });
});
