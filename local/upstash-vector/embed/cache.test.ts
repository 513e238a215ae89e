import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cachedEmbedder } from "./cache.ts";
import { batches } from "./embedder.ts";
import { hashingEmbedder } from "./hashing-embedder.ts";

let file: string;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "upstash-vector-cache-"));
  file = join(dir, "embeddings.db");
});
afterEach(() => rm(dir, { recursive: true }));

/** The hashing embedder, with a list of what it was asked to embed. */
function counting(model = "counting", failOn?: string) {
  const asked: string[] = [];
  const embedder = hashingEmbedder(4);
  return {
    ...embedder,
    model,
    asked,
    embed: async (texts: readonly string[]) => {
      if (failOn && texts.includes(failOn)) throw new Error("no memory");
      asked.push(...texts);
      return embedder.embed(texts);
    },
  };
}

test("a text is embedded once, also over a restart, and again for another model", async () => {
  const first = counting();
  const cache = cachedEmbedder(first, file);
  const [a, b, again] = await cache.documents(["one", "two", "one"]);
  expect(again).toEqual(a);
  expect(b).not.toEqual(a);
  await cache.close();
  expect(first.asked).toEqual(["one", "two"]);

  const second = counting();
  const reopened = cachedEmbedder(second, file);
  expect(await reopened.documents(["two", "three"])).toEqual([b, expect.any(Float32Array)]);
  await reopened.close();
  expect(second.asked).toEqual(["three"]);

  const other = counting("other");
  const changed = cachedEmbedder(other, file);
  await changed.documents(["two"]);
  await changed.close();
  expect(other.asked).toEqual(["two"]);
});

test("what was embedded before a failure is not embedded again", async () => {
  const long = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(1_500));
  const failing = counting("counting", long[9]);
  const cache = cachedEmbedder(failing, file);
  await expect(cache.documents(long)).rejects.toThrow("no memory");
  await cache.close();
  const working = counting();
  const reopened = cachedEmbedder(working, file);
  await reopened.documents(long);
  await reopened.close();
  expect(working.asked).toEqual([long[9]]);
});

test("the file keeps the newest rows, the memory the latest queries", async () => {
  const embedder = counting();
  const cache = cachedEmbedder(embedder, file, 3);
  await cache.documents(["a", "b", "c", "d", "e"]);
  for (let i = 0; i < 1_001; i++) await cache.query(`query ${i}`);
  const before = embedder.asked.length;
  await cache.query("query 1000");
  expect(embedder.asked).toHaveLength(before);
  await cache.query("query 0");
  expect(embedder.asked).toHaveLength(before + 1);
  await cache.close();
  const db = new DatabaseSync(file);
  expect(db.prepare("SELECT count(*) AS count FROM embeddings").get()).toMatchObject({ count: 3 });
  db.close();
});

test("batches keep the order and stay small", () => {
  const texts = [..."abcdefghij", "x".repeat(5_000), "y".repeat(1_500), "z".repeat(600)];
  const all = [...batches(texts)];
  expect(all.flat()).toEqual(texts);
  expect(all.map((batch) => batch.length)).toEqual([8, 2, 1, 1, 1]);
});
