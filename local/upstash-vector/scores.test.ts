import { FusionAlgorithm, QueryMode, WeightingStrategy } from "@upstash/vector";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestServer, testServer } from "./test-server.ts";

/** Three vectors whose scores on Upstash's own service are known from the tests of its TypeScript client. */
const VECTORS = [
  { id: "id0", vector: [0.1, 0.2], sparseVector: { indices: [0, 1], values: [0.1, 0.2] } },
  {
    id: "id1",
    vector: [0.2, 0.3],
    sparseVector: { indices: [1, 2], values: [0.2, 0.3] },
    metadata: { key: "value" },
  },
  {
    id: "id2",
    vector: [0.3, 0.4],
    sparseVector: { indices: [2, 3], values: [0.3, 0.4] },
    metadata: { key: "value" },
    data: "data",
  },
];

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
  await server.index.upsert(VECTORS);
});
afterAll(() => server[Symbol.asyncDispose]());

test("a dense score is (1 + cos) / 2", async () => {
  const result = await server.index.query({ vector: [2, 0], topK: 3 });
  const cosines = { id0: 1 / Math.sqrt(5), id1: 2 / Math.sqrt(13), id2: 3 / 5 };
  expect(result.map(({ id }) => id)).toEqual(["id2", "id1", "id0"]);
  for (const { id, score } of result) {
    expect(score).toBeCloseTo((1 + cosines[id as keyof typeof cosines]) / 2, 6);
  }
  expect(await server.index.query({ vector: [3, 4], topK: 1 })).toEqual([{ id: "id2", score: 1 }]);
  const opposite = await server.index.query({ vector: [-3, -4], topK: 3 });
  expect(opposite[2]).toEqual({ id: "id2", score: 0 });
});

test("a sparse score is the inner product over shared dimensions, others are not results", async () => {
  const result = await server.index.query({
    sparseVector: { indices: [1, 2, 9], values: [0.5, 2, 7] },
    topK: 5,
  });
  expect(result).toEqual([
    { id: "id1", score: expect.closeTo(0.7, 6) },
    { id: "id2", score: 0.6 },
    { id: "id0", score: 0.1 },
  ]);
  const none = await server.index.query({ sparseVector: { indices: [99], values: [1] }, topK: 5 });
  expect(none).toEqual([]);
});

test("IDF weighting scores as Upstash does", async () => {
  const result = await server.index.query({
    sparseVector: { indices: [0, 1], values: [0.1, 0.2] },
    weightingStrategy: WeightingStrategy.IDF,
    topK: 5,
  });
  expect(result.map(({ id }) => id)).toEqual(["id0", "id1"]);
  expect(result[0]?.score).toBeCloseTo(0.028608438, 8);
  expect(result[1]?.score).toBeCloseTo(0.018800145, 8);
});

test("RRF is 1 / (rank + 60) with ranks from 0, in a batch with other queries", async () => {
  const result = await server.index.queryMany([
    {
      topK: 1,
      vector: [0.1, 0.1],
      sparseVector: { indices: [3, 4], values: [0.1, 0.2] },
      fusionAlgorithm: FusionAlgorithm.RRF,
    },
    {
      topK: 1,
      vector: [0.5, 0.1],
      sparseVector: { indices: [0, 1], values: [0.5, 0.1] },
      includeVectors: true,
    },
    {
      topK: 1,
      sparseVector: { indices: [2, 3], values: [0.5, 0.5] },
      weightingStrategy: WeightingStrategy.IDF,
      fusionAlgorithm: FusionAlgorithm.DBSF,
      includeMetadata: true,
    },
  ]);
  expect(result).toEqual([
    [{ id: "id2", score: 0.033333335 }],
    [{ ...VECTORS[0], score: 0.032795697 }],
    [{ id: "id2", score: expect.closeTo(0.26666638, 6), metadata: { key: "value" } }],
  ]);
});

test("a resumed hybrid query fuses each batch by itself, with the DBSF scores of Upstash", async () => {
  const { result, fetchNext, stop } = await server.index.resumableQuery({
    vector: [0.1, 0.1],
    sparseVector: { indices: [0], values: [0.1] },
    topK: 2,
    includeVectors: true,
    includeMetadata: true,
    includeData: true,
    weightingStrategy: WeightingStrategy.IDF,
    fusionAlgorithm: FusionAlgorithm.DBSF,
    maxIdle: 3600,
  });
  expect(result).toEqual([
    { ...VECTORS[2], score: expect.closeTo(0.617851, 6) },
    { ...VECTORS[0], score: 0.5 },
  ]);
  expect(await fetchNext(1)).toEqual([{ ...VECTORS[1], score: 0.5 }]);
  expect(await fetchNext(1)).toEqual([]);
  expect(await stop()).toBe("Success");
});

test("DBSF adds what each score is within its own list's mean plus and minus three deviations", async () => {
  const namespace = server.index.namespace("dbsf");
  await namespace.upsert([
    { id: "id0", vector: [0.8, 0.9], sparseVector: { indices: [0, 1], values: [0.1, 0.1] } },
    { id: "id1", vector: [0.9, 0.9], sparseVector: { indices: [1, 2], values: [0.1, 0.1] } },
    { id: "id2", vector: [0.3, 0.9], sparseVector: { indices: [2, 3], values: [0.1, 0.1] } },
  ]);
  const result = await namespace.query({
    vector: [0.9, 0.9],
    sparseVector: { indices: [0, 1, 3], values: [0.1, 0.1, 100] },
    fusionAlgorithm: FusionAlgorithm.DBSF,
    topK: 3,
  });
  const cosine = (x: number, y: number) => (1 + (x + y) / Math.hypot(x, y) / Math.SQRT2) / 2;
  const dense = { id0: cosine(0.8, 0.9), id1: 1, id2: cosine(0.3, 0.9) };
  const sparse = { id0: 0.02, id1: 0.01, id2: 10 };
  expect(result.map(({ id }) => id)).toEqual(["id1", "id2", "id0"]);
  for (const { id, score } of result) {
    const key = id as keyof typeof dense;
    expect(score).toBeCloseTo(normalized(dense, key) + normalized(sparse, key), 5);
  }
});

function normalized<K extends string>(scores: Record<K, number>, key: K): number {
  const values = Object.values<number>(scores);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const deviation = Math.hypot(...values.map((v) => v - mean)) / Math.sqrt(values.length - 1);
  return (scores[key] - (mean - 3 * deviation)) / (6 * deviation);
}

test("text is scored by BM25 with k1 1.2, b 0.75 and an average length of 32", async () => {
  const namespace = server.index.namespace("bm25");
  await namespace.upsert([
    { id: "short", data: "ledger" },
    { id: "twice", data: "ledger ledger approval" },
    { id: "other", data: "something else entirely" },
  ]);
  const query = { data: "the ledgers", topK: 5, queryMode: QueryMode.SPARSE };
  const weight = (frequency: number, length: number) =>
    (frequency * 2.2) / (frequency + 1.2 * (0.25 + (0.75 * length) / 32));
  expect(await namespace.query(query)).toEqual([
    { id: "twice", score: expect.closeTo(weight(2, 3), 5) },
    { id: "short", score: expect.closeTo(weight(1, 1), 5) },
  ]);
  const weighted = await namespace.query({ ...query, weightingStrategy: WeightingStrategy.IDF });
  const idf = Math.log(1 + (3 - 2 + 0.5) / (2 + 0.5));
  expect(weighted[0]?.score).toBeCloseTo(idf * weight(2, 3), 5);
});

test("a search on disk gives the scores of the search in memory", async () => {
  await using onDisk = await testServer({ memory: 0 });
  await onDisk.index.upsert(VECTORS);
  await onDisk.index.upsert({ ...VECTORS[0], id: "zero", vector: [0, 0] });
  await server.index.upsert({ ...VECTORS[0], id: "zero", vector: [0, 0] });
  await onDisk.index.upsert(VECTORS.slice(0, 1), { namespace: "other" });
  for (const query of [
    { vector: [0.3, 0.1], topK: 5 },
    {
      sparseVector: { indices: [1, 2], values: [1, 2] },
      topK: 5,
      weightingStrategy: WeightingStrategy.IDF,
    },
    {
      vector: [0.3, 0.1],
      sparseVector: { indices: [2], values: [2] },
      topK: 5,
      filter: "key = 'value'",
    },
  ]) {
    const inMemory = await server.index.query(query);
    expect(await onDisk.index.query(query)).toEqual(
      inMemory.map((hit) => ({ ...hit, score: expect.closeTo(hit.score, 5) })),
    );
  }
  await server.index.delete("zero");
});
