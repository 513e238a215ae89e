import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPartProcess } from "../process.ts";
import { hashingEmbedder } from "./embed/hashing-embedder.ts";
import { startUpstashVector } from "./server.ts";
import { client, testServer } from "./test-server.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "upstash-vector-durability-"));
});
afterAll(() => rm(dir, { recursive: true }));

const record = (id: string) => ({
  id,
  vector: [1, 2],
  sparseVector: { indices: [3], values: [0.5] },
  metadata: { id },
  data: `text ${id}`,
});

test("a restart keeps records, namespaces, positions and the token", async () => {
  const own = join(dir, "restart");
  let token: string | undefined;
  {
    await using server = await testServer({ dir: own });
    token = server.part.env.UPSTASH_VECTOR_REST_TOKEN;
    await server.index.upsert([record("a"), record("b"), record("c")], { namespace: "ns" });
    await server.index.delete("a", { namespace: "ns" });
  }
  await using server = await testServer({ dir: own });
  expect(server.part.env.UPSTASH_VECTOR_REST_TOKEN).toBe(token);
  expect((await stat(join(own, "token"))).mode & 0o777).toBe(0o600);
  const ns = server.index.namespace("ns");
  await ns.upsert(record("d"));
  const all = { includeVectors: true, includeMetadata: true, includeData: true };
  const { vectors } = await ns.range({ cursor: "0", limit: 10, ...all });
  expect(vectors).toEqual([record("b"), record("c"), record("d")]);
  const query = { vector: [1, 2], sparseVector: { indices: [3], values: [1] }, topK: 5 };
  expect((await ns.query(query)).map(({ id }) => id)).toEqual(["b", "c", "d"]);
});

test("kill -9 between and during upserts loses nothing that was acknowledged and leaves nothing half-written", async () => {
  const own = join(dir, "kill");
  const entry = fileURLToPath(new URL("./main.ts", import.meta.url));
  const acknowledged = new Set<string>();
  const batchOf = (id: string) => id.split(":")[0] ?? "";
  for (let round = 0; round < 3; round++) {
    const part = await startPartProcess(entry, { dir: own, args: ["--hashing"] });
    const index = client(part.env);
    const writers = Array.from({ length: 3 }, async (_, writer) => {
      for (let n = 0; ; n++) {
        const batch = `${round}-${writer}-${n}`;
        const texts = Array.from({ length: 10 }, (_, i) => ({
          id: `${batch}:${i}`,
          data: `text ${i}`,
        }));
        await index.upsert(texts, { namespace: `ns${writer}` });
        acknowledged.add(batch);
      }
    }).map((writer) => writer.catch((error: unknown) => error));
    const before = acknowledged.size;
    await expect.poll(() => acknowledged.size, { interval: 1 }).toBeGreaterThan(before + 5);
    await part.kill();
    for (const error of await Promise.all(writers)) expect(error).toBeInstanceOf(Error);
  }

  await using server = await testServer({ dir: own, embedder: hashingEmbedder() });
  const found = new Map<string, number>();
  for (const namespace of ["ns0", "ns1", "ns2"]) {
    for (let cursor = "0"; cursor !== ""; ) {
      const page = await server.index.range({ cursor, limit: 1_000 }, { namespace });
      for (const { id } of page.vectors) found.set(batchOf(id), (found.get(batchOf(id)) ?? 0) + 1);
      cursor = page.nextCursor;
    }
  }
  for (const batch of acknowledged) expect(found.get(batch)).toBe(10);
  for (const count of found.values()) expect(count).toBe(10);
});

test("concurrent writers of the same and of other ids leave one whole record per id", async () => {
  await using server = await testServer();
  const writers = Array.from({ length: 20 }, async (_, writer) => {
    for (let n = 0; n < 5; n++) {
      await server.index.upsert([
        { ...record(`shared-${n}`), metadata: { writer }, data: `text of ${writer}` },
        record(`own-${writer}-${n}`),
      ]);
    }
  });
  await Promise.all(writers);
  const { vectors, nextCursor } = await server.index.range({
    cursor: 0,
    limit: 1_000,
    includeMetadata: true,
    includeData: true,
  });
  expect(nextCursor).toBe("");
  expect(new Set(vectors.map(({ id }) => id)).size).toBe(105);
  expect(vectors).toHaveLength(105);
  for (const { id, metadata, data } of vectors.filter(({ id }) => id.startsWith("shared"))) {
    expect([id, data]).toEqual([id, `text of ${metadata?.writer}`]);
  }
  const query = { vector: [1, 2], topK: 1_000 };
  expect(await server.index.query(query)).toHaveLength(105);
});

test("a directory is opened by one process, with the model it was made with", async () => {
  const own = join(dir, "settings");
  {
    await using server = await testServer({ dir: own });
    expect(server.part.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await expect(testServer({ dir: own })).rejects.toThrow("is open elsewhere");
  }
  await expect(startUpstashVector({ dir: own, embedder: hashingEmbedder(3) })).rejects.toThrow(
    "has dimension 2, not 3",
  );
  await expect(
    startUpstashVector({ dir: own, embedder: { ...hashingEmbedder(2), model: "another" } }),
  ).rejects.toThrow("has model word-hashing, not another");
  await expect(testServer({ dir: own, indexType: "DENSE" })).rejects.toThrow(
    "has type HYBRID, not DENSE",
  );
});

test("closing twice is closing once, also while texts are being embedded", async () => {
  const embedder = hashingEmbedder(2);
  let fail = (_: Error) => {};
  let started = () => {};
  const embedding = new Promise<void>((resolve) => {
    started = resolve;
  });
  const stuck = {
    ...embedder,
    embed: () =>
      new Promise<Float32Array[]>((_, reject) => {
        fail = reject;
        started();
      }),
    close: async () => fail(new Error("closed")),
  };
  await using server = await testServer({ embedder: stuck });
  const upsert = server.index
    .upsert({ id: "a", data: "text" })
    .catch((error: Error) => error.message);
  await embedding;
  expect(await server.index.info()).toMatchObject({ vectorCount: 0, pendingVectorCount: 1 });
  await Promise.all([server.part.close(), server.part.close()]);
  expect(await upsert).toBe("The server is closing");
});
