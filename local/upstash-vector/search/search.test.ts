import fc from "fast-check";
import { expect, test } from "vitest";
import { DenseMatrix } from "./dense.ts";
import { best } from "./ranking.ts";
import { VectorMemory } from "./vector-memory.ts";
import { NamespaceView } from "./view.ts";

test("the best are the head of the sorted list, without the rows that stand for no record", () => {
  const scores = fc.array(fc.constantFrom(-1, 0, 0.25, 0.5, 2, Number.NaN), { maxLength: 60 });
  fc.assert(
    fc.property(scores, fc.nat(3), fc.integer({ min: 1, max: 70 }), (all, dead, limit) => {
      const seqs = all.map((_, i) => (i % 4 === dead ? 0 : i + 1));
      const sorted = all
        .map((score, i) => ({ seq: seqs[i] ?? 0, score }))
        .filter(({ seq, score }) => seq !== 0 && !Number.isNaN(score))
        .sort((a, b) => b.score - a.score || a.seq - b.seq);
      const everything = () => true;
      expect(best({ seqs, scores: all }, limit, everything)).toEqual(sorted.slice(0, limit));
      const odd = (seq: number) => seq % 2 === 1;
      const firstOdd = sorted.filter(({ seq }) => odd(seq)).slice(0, limit);
      expect(best({ seqs, scores: all }, limit, odd)).toEqual(firstOdd);
    }),
  );
});

test("dense scores are those of the formula, in any dimension and at any place of a block", () => {
  const vector = (length: number) =>
    fc.float32Array({
      ...{ minLength: length, maxLength: length },
      ...{ min: -1_000, max: 1_000, noNaN: true },
    });
  const cases = fc
    .integer({ min: 1, max: 40 })
    .chain((dimension) => fc.array(vector(dimension), { minLength: 2, maxLength: 140 }));
  fc.assert(
    fc.property(cases, ([query = new Float32Array(), ...vectors]) => {
      const matrix = new DenseMatrix(new VectorMemory(query.length));
      for (const vector of vectors) matrix.push(vector);
      expect([...matrix.scores(query)]).toEqual(
        vectors.map((vector) => expect.closeTo(formula(query, vector), 6)),
      );
    }),
  );
});

test("the ten best of thousands are the ten best by the formula, in order, and with their scores", () => {
  const dimension = 512;
  const random = () => Float32Array.from({ length: dimension }, () => Math.random() - 0.5);
  const vectors = Array.from({ length: 2_000 }, random);
  const view = new NamespaceView(new VectorMemory(dimension), () => undefined);
  for (const [i, dense] of vectors.entries()) view.save(i + 1, { dense });
  for (let round = 0; round < 3; round++) {
    const query = random();
    const expected = vectors
      .map((vector, i) => ({ seq: i + 1, score: formula(query, vector) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, 10);
    const found = best(view.dense(query), 10, () => true);
    expect(found.map(({ seq }) => seq)).toEqual(expected.map(({ seq }) => seq));
    for (const [i, { score }] of found.entries()) {
      expect(score).toBeCloseTo(expected[i]?.score ?? Number.NaN, 7);
    }
  }
});

test("released memory is used again, and what was in it does not show", () => {
  const memory = new VectorMemory(3);
  const first = new DenseMatrix(memory);
  for (let i = 0; i < 200; i++) first.push(Float32Array.of(1, 2, 3));
  const { bytes } = first;
  first.release();
  expect(first.bytes).toBe(0);
  const end = memory.bytes;
  const second = new DenseMatrix(memory);
  for (let i = 0; i < 200; i++) second.push(i === 70 ? undefined : Float32Array.of(0, 0, -1));
  expect(second.bytes).toBe(bytes);
  expect(memory.bytes).toBe(end);
  const scores = second.scores(Float32Array.of(0, 0, 2));
  expect(scores).toHaveLength(200);
  expect(scores.every((score, row) => score === (row === 70 ? 0.5 : 0))).toBe(true);
});

test("a view after any saves and removals is a view of what is left", () => {
  const change = fc.record({
    seq: fc.integer({ min: 1, max: 6 }),
    value: fc.option(fc.integer({ min: 1, max: 9 })),
  });
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const view = new NamespaceView(new VectorMemory(2), (seq) => `{"seq":${seq}}`);
      const left = new Map<number, number>();
      const vectors = (value: number) => ({
        dense: Float32Array.of(value, 1),
        sparse: { indices: Int32Array.of(3), values: Float32Array.of(value) },
      });
      for (const { seq, value } of changes) {
        if (value === null) {
          view.remove(seq);
          left.delete(seq);
        } else {
          view.save(seq, vectors(value));
          left.set(seq, value);
        }
      }
      const query = { indices: Int32Array.of(3), values: Float32Array.of(2) };
      const sparse = Array.from(left, ([seq, value]) => ({ seq, score: 2 * value }));
      const bySeq = (a: { seq: number }, b: { seq: number }) => a.seq - b.seq;
      const all = (scored: Parameters<typeof best>[0]) => best(scored, 100, () => true).sort(bySeq);
      expect(all(view.sparse(query, false))).toEqual(sparse.sort(bySeq));
      const dense = all(view.dense(Float32Array.of(1, 0))).map(({ seq }) => seq);
      expect(dense).toEqual([...left.keys()].sort());
    }),
  );
});

/** (1 + cos) / 2 in doubles, one half where there is no angle. */
function formula(a: Float32Array, b: Float32Array): number {
  const dot = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  const length = Math.hypot(...a) * Math.hypot(...b);
  return length === 0 ? 0.5 : (1 + dot / length) / 2;
}
