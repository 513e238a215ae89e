import { QueryMode } from "@upstash/vector";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type TestServer, testServer } from "./test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await server.index.reset({ all: true });
});

const sparseVector = { indices: [-5, 7], values: [0.25, 1.5] };
const numbered = (count: number, prefix = "id-") =>
  Array.from({ length: count }, (_, i) => ({
    id: `${prefix}${i}`,
    vector: [1, i],
    sparseVector,
    metadata: { number: i },
    data: `text ${i}`,
  }));

describe.each(["", "project:p1:chunks", "ns/with slash ✓"])("in namespace %j", (namespace) => {
  const options = { namespace };

  test("what is upserted is fetched, with the parts that were asked for", async () => {
    const [record] = numbered(1);
    expect(await server.index.upsert(record ?? [], options)).toBe("Success");
    expect(await server.index.fetch(["id-0", "nothing"], { ...options })).toEqual([
      { id: "id-0" },
      null,
    ]);
    const all = { includeVectors: true, includeMetadata: true, includeData: true };
    expect(await server.index.fetch(["id-0"], { ...options, ...all })).toEqual([record]);
  });

  test("a second upsert replaces the whole record", async () => {
    await server.index.upsert(numbered(1), options);
    await server.index.upsert({ id: "id-0", vector: [0, 1], sparseVector }, options);
    const all = { includeVectors: true, includeMetadata: true, includeData: true };
    expect(await server.index.fetch(["id-0"], { ...options, ...all })).toEqual([
      { id: "id-0", vector: [0, 1], sparseVector },
    ]);
    expect(await server.index.query({ vector: [0, 1], topK: 5 }, options)).toEqual([
      { id: "id-0", score: 1 },
    ]);
  });

  test("data is embedded, kept and found by its words", async () => {
    await server.index.upsert(
      [
        { id: 1, data: "hello" },
        { id: 2, data: "hello world", metadata: { a: 1 } },
      ],
      options,
    );
    const found = await server.index.query(
      {
        data: "world",
        topK: 1,
        includeData: true,
        includeMetadata: true,
        queryMode: QueryMode.SPARSE,
      },
      options,
    );
    expect(found).toEqual([
      { id: "2", score: expect.any(Number), data: "hello world", metadata: { a: 1 } },
    ]);
  });

  test("range pages through all in the order of insertion, also of a prefix, also while records go", async () => {
    await server.index.upsert(numbered(20), options);
    await server.index.upsert(numbered(3, "other-"), options);
    const first = await server.index.range({ cursor: 0, limit: 5, prefix: "id-" }, options);
    expect(first).toEqual({ nextCursor: "5", vectors: numbered(5).map(({ id }) => ({ id })) });
    await server.index.delete(["id-2", "id-7"], options);
    const rest = await server.index.range(
      { cursor: first.nextCursor, limit: 1000, includeMetadata: true },
      options,
    );
    expect(rest.nextCursor).toBe("");
    expect(rest.vectors.map(({ id }) => id)).toEqual(
      [
        ...numbered(20)
          .slice(5)
          .filter(({ id }) => id !== "id-7"),
        ...numbered(3, "other-"),
      ].map(({ id }) => id),
    );
    expect(await server.index.fetch({ prefix: "other-" }, { ...options })).toHaveLength(3);
  });

  test("update changes a part and leaves the others", async () => {
    await server.index.upsert(numbered(2), options);
    const all = { includeVectors: true, includeMetadata: true, includeData: true };
    const [old] = numbered(1);
    const fetched = async () => (await server.index.fetch(["id-0"], { ...options, ...all }))[0];

    expect(
      await server.index.update({ id: "id-0", metadata: { a: { b: 1 }, c: 2 } }, options),
    ).toEqual({ updated: 1 });
    expect(await fetched()).toEqual({ ...old, metadata: { a: { b: 1 }, c: 2 } });
    const patch = { a: { d: 3 }, c: null };
    await server.index.update(
      { id: "id-0", metadata: patch, metadataUpdateMode: "PATCH" },
      options,
    );
    expect(await fetched()).toEqual({ ...old, metadata: { a: { b: 1, d: 3 } } });

    await server.index.update(
      { id: "id-0", vector: [5, 0], sparseVector: { indices: [1], values: [1] } },
      options,
    );
    expect(await fetched()).toMatchObject({
      vector: [5, 0],
      data: "text 0",
      sparseVector: { indices: [1] },
    });
    expect(await server.index.query({ vector: [1, 0], topK: 1 }, options)).toEqual([
      { id: "id-0", score: 1 },
    ]);

    await server.index.update({ id: "id-0", data: "brand new words" }, options);
    const byWord = { data: "brand", topK: 5, queryMode: QueryMode.SPARSE };
    expect(await server.index.query(byWord, options)).toMatchObject([{ id: "id-0" }]);
    expect(await server.index.update({ id: "missing", data: "x" }, options)).toEqual({
      updated: 0,
    });
  });

  test("delete by ids, prefix and filter", async () => {
    await server.index.upsert([...numbered(4), ...numbered(4, "x-")], options);
    expect(await server.index.delete("id-0", options)).toEqual({ deleted: 1 });
    expect(await server.index.delete(["id-1", "id-1", "gone"], options)).toEqual({ deleted: 1 });
    expect(await server.index.delete({ prefix: "x-" }, options)).toEqual({ deleted: 4 });
    expect(await server.index.delete({ filter: "number >= 3" }, options)).toEqual({ deleted: 1 });
    expect(await server.index.query({ vector: [1, 1], topK: 9 }, options)).toMatchObject([
      { id: "id-2" },
    ]);
  });

  test("a filter never costs results", async () => {
    await server.index.upsert(numbered(500), options);
    const query = { vector: [1, 0], topK: 3, filter: "number >= 400 AND number NOT IN (401)" };
    const ids = (await server.index.query(query, options)).map(({ id }) => id);
    expect(ids).toEqual(["id-400", "id-402", "id-403"]);
    await server.index.update({ id: "id-499", metadata: { number: -1 } }, options);
    const changed = await server.index.query({ ...query, filter: "number < 0" }, options);
    expect(changed.map(({ id }) => id)).toEqual(["id-499"]);
  });

  test("a resumable query goes on until it has given everything once", async () => {
    await server.index.upsert(numbered(10), options);
    const { result, fetchNext, stop } = await server.index.resumableQuery(
      { vector: [1, 0], topK: 3, maxIdle: 60, includeMetadata: true },
      options,
    );
    const all = [...result, ...(await fetchNext(4)), ...(await fetchNext(100))];
    expect(all.map(({ metadata }) => metadata?.number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await fetchNext(1)).toEqual([]);
    await stop();
    expect(() => fetchNext(1)).toThrow("already been stopped");
  });
});

test("namespaces are apart: nothing of one is seen, changed or removed through another", async () => {
  const [a, b] = [server.index.namespace("a"), server.index.namespace("b")];
  await a.upsert(numbered(3));
  await b.upsert({ id: "id-0", vector: [0, 9], sparseVector });
  expect(await b.query({ vector: [1, 0], topK: 9 })).toHaveLength(1);
  expect(await server.index.query({ vector: [1, 0], topK: 9 })).toEqual([]);
  await b.delete(["id-0", "id-1"]);
  await b.reset();
  expect(await a.query({ sparseVector, topK: 9 })).toHaveLength(3);
  await server.index.reset();
  expect(await a.fetch(["id-0"])).toEqual([{ id: "id-0" }]);
});

test("namespaces are listed, counted, renamed and deleted", async () => {
  await server.index.upsert(numbered(2), { namespace: "a" });
  await server.index.upsert(numbered(1));
  expect(await server.index.listNamespaces()).toEqual(expect.arrayContaining(["", "a"]));
  const info = await server.index.info();
  expect(info).toMatchObject({
    vectorCount: 3,
    pendingVectorCount: 0,
    indexSize: expect.any(Number),
    dimension: 2,
    similarityFunction: "COSINE",
    indexType: "HYBRID",
    denseIndex: { dimension: 2, similarityFunction: "COSINE", embeddingModel: "word-hashing" },
    sparseIndex: { embeddingModel: "BM25" },
  });
  expect(info.namespaces).toMatchObject({
    "": { vectorCount: 1, pendingVectorCount: 0 },
    a: { vectorCount: 2, pendingVectorCount: 0 },
  });
  const rename = (body: object) =>
    server.request("rename-namespace", { body: JSON.stringify(body) });
  expect(await rename({ namespace: "a", newNamespace: "c" })).toMatchObject({
    body: { result: { renamed: true } },
  });
  expect(await server.index.namespace("c").query({ vector: [1, 0], topK: 9 })).toHaveLength(2);
  await server.index.upsert(numbered(1), { namespace: "taken" });
  expect(await rename({ namespace: "c", newNamespace: "taken" })).toMatchObject({ status: 422 });
  await rename({ namespace: "c", newNamespace: "taken", deleteExisting: true });
  expect(await server.index.namespace("taken").fetch({ prefix: "id-" })).toHaveLength(2);
  expect(await server.index.deleteNamespace("taken")).toBe("Success");
  expect(await server.index.listNamespaces()).not.toContain("taken");
  await expect(server.index.deleteNamespace("taken")).rejects.toThrow("does not exist");
});

test("an unknown namespace is empty, and asking does not create it", async () => {
  const unknown = server.index.namespace("unknown");
  expect(await unknown.query({ vector: [1, 0], topK: 3 })).toEqual([]);
  expect(await unknown.fetch(["a"])).toEqual([null]);
  expect(await unknown.range({ cursor: "", limit: 5 })).toEqual({ nextCursor: "", vectors: [] });
  expect(await unknown.delete(["a"])).toEqual({ deleted: 0 });
  expect(await unknown.update({ id: "a", metadata: {} })).toEqual({ updated: 0 });
  expect(await unknown.reset()).toBe("Success");
  const { result, fetchNext } = await unknown.resumableQuery({
    vector: [1, 0],
    topK: 3,
    maxIdle: 1,
  });
  expect([result, await fetchNext(3)]).toEqual([[], []]);
  expect(await server.index.listNamespaces()).not.toContain("unknown");
});

test("a random record is one of the namespace", async () => {
  await server.index.upsert(numbered(5), { namespace: "r" });
  await server.index.delete(["id-4", "id-0"], { namespace: "r" });
  const random = async (path: string) => (await server.request(path, { method: "GET" })).body;
  expect(await random("random/r")).toMatchObject({
    result: { id: expect.stringMatching(/^id-[123]$/), vector: [1, expect.any(Number)] },
  });
  expect(await random("random/unknown")).toEqual({ result: null });
});
