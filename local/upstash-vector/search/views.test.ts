import { setImmediate } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../store/open.ts";
import { Store } from "../store/store.ts";
import type { VectorRecord } from "../types.ts";
import { best } from "./ranking.ts";
import { Views } from "./views.ts";

const DIMENSION = 8;
const AMPLE = 100_000_000;

/** A store as a server has it that starts on a database which is there already. */
function started({ records, budget = AMPLE }: { records: number; budget?: number }) {
  const db = openDatabase(":memory:", { type: "HYBRID", model: "none", dimension: DIMENSION });
  onTestFinished(() => db.close());
  const before = new Store(db, new Views(DIMENSION, AMPLE));
  before.upsert(
    "a",
    Array.from({ length: records }, (_, i) => record(`${i}`, i)),
  );
  const views = new Views(DIMENSION, budget);
  const store = new Store(db, views);
  return { store, views, namespace: store.namespace("a") ?? 0 };
}

function record(id: string, value: number): VectorRecord {
  return {
    id,
    dense: Float32Array.from({ length: DIMENSION }, (_, i) => Math.sin(value + i * i)),
    sparse: { indices: Int32Array.of(1, 2 + (value % 3)), values: Float32Array.of(value, 1) },
  };
}

function everything(views: Views, store: Store, namespace: number) {
  const searchable = views.searchable(store, namespace);
  const query = { indices: Int32Array.of(1, 3), values: Float32Array.of(2, 1) };
  return {
    dense: best(searchable.dense(new Float32Array(DIMENSION).fill(1)), 10_000, () => true),
    sparse: best(searchable.sparse(query, true), 10_000, () => true),
  };
}

test("what is written while a namespace is loaded is in it once, as it was written last", async () => {
  const { store, views, namespace } = started({ records: 1_500 });
  const loading = views.load(store, namespace);
  await setImmediate();
  store.upsert("a", [record("new", 7), record("0", 8), record("1499", 9)]);
  store.remove(namespace, store.seqs(namespace, { ids: ["1", "700", "1498"] }));
  store.update(namespace, "701", record("701", 10));
  await Promise.all([loading, views.load(store, namespace)]);
  const again = new Views(DIMENSION, AMPLE);
  await again.load(store, namespace);
  const found = everything(views, store, namespace);
  expect(found).toEqual(everything(again, store, namespace));
  expect(found.dense).toHaveLength(1_498);
  expect(found.sparse).toHaveLength(1_498);
});

test("a namespace is loaded page by page, so that others have their turn", async () => {
  const { store, views, namespace } = started({ records: 2_000 });
  let turns = 0;
  let isLoaded = false;
  const loading = views.load(store, namespace).then(() => {
    isLoaded = true;
  });
  for (; !isLoaded; turns++) await setImmediate();
  await loading;
  expect(turns).toBeGreaterThan(5);
});

test("a namespace that is emptied while it is loaded is empty", async () => {
  const { store, views, namespace } = started({ records: 1_000 });
  const loading = views.load(store, namespace);
  await setImmediate();
  store.clear(namespace, { drop: false });
  store.upsert("a", [record("after", 1)]);
  await loading;
  expect(everything(views, store, namespace).dense).toHaveLength(1);
});

test("a search answers the same in memory, while loading, and where the namespace does not fit", async () => {
  const { store, views, namespace } = started({ records: 500 });
  const onDisk = everything(views, store, namespace);
  await views.load(store, namespace);
  const inMemory = everything(views, store, namespace);
  expect(inMemory.sparse).toEqual(onDisk.sparse);
  expect(inMemory.dense.map(({ seq }) => seq)).toEqual(onDisk.dense.map(({ seq }) => seq));
  const { store: full, views: small, namespace: large } = started({ records: 500, budget: 1_000 });
  await small.load(full, large);
  expect(everything(small, full, large)).toEqual(onDisk);
});

test("memory stays within the budget, and what was dropped is found all the same", async () => {
  const budget = 300_000;
  const { store, views } = started({ records: 1, budget });
  for (let name = 0; name < 40; name++) {
    store.upsert(
      `n${name}`,
      Array.from({ length: 100 }, (_, i) => record(`${i}`, i)),
    );
    expect(views.bytes).toBeLessThanOrEqual(budget);
  }
  for (let name = 0; name < 40; name++) {
    const namespace = store.namespace(`n${name}`) ?? 0;
    await views.load(store, namespace);
    expect(everything(views, store, namespace).dense).toHaveLength(100);
    expect(views.bytes).toBeLessThanOrEqual(budget);
  }
});
