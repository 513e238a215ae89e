import fc from "fast-check";
import { expect, test } from "vitest";
import { DenseMatrix } from "./dense.ts";
import { ranked, take } from "./ranking.ts";
import { NamespaceView } from "./view.ts";

test("a ranking is the sorted list, without the rows that stand for no record", () => {
  const scores = fc.array(fc.constantFrom(-1, 0, 0.25, 0.5, 2), { maxLength: 60 });
  fc.assert(
    fc.property(scores, fc.nat(3), (all, dead) => {
      const seqs = all.map((_, i) => (i % 4 === dead ? 0 : i + 1));
      const expected = all
        .map((score, i) => ({ seq: seqs[i] ?? 0, score }))
        .filter(({ seq }) => seq !== 0)
        .sort((a, b) => b.score - a.score || a.seq - b.seq);
      expect([...ranked({ seqs, scores: all })]).toEqual(expected);
      const odd = (seq: number) => seq % 2 === 1;
      const firstOdd = expected.filter(({ seq }) => odd(seq)).slice(0, 3);
      expect(take(ranked({ seqs, scores: all }), 3, odd)).toEqual(firstOdd);
    }),
  );
});

test("dense scores over many blocks agree with the formula, in any dimension", () => {
  for (const dimension of [1, 2, 7, 512]) {
    const random = () => Float32Array.from({ length: dimension }, () => Math.random() - 0.5);
    const matrix = new DenseMatrix(dimension);
    const vectors = Array.from({ length: 2_100 }, random);
    for (const vector of vectors) matrix.push(vector);
    const query = random();
    const scores = matrix.scores(query);
    expect(scores).toHaveLength(vectors.length);
    for (const row of [0, 1, 1_023, 1_024, 2_099]) {
      const vector = vectors[row] ?? query;
      const dot = vector.reduce((sum, value, i) => sum + value * (query[i] ?? 0), 0);
      const cosine = dot / Math.hypot(...vector) / Math.hypot(...query);
      expect(scores[row]).toBeCloseTo((1 + cosine) / 2, 6);
    }
  }
});

test("a view after any saves and removals is a view of what is left", () => {
  const change = fc.record({
    seq: fc.integer({ min: 1, max: 6 }),
    value: fc.option(fc.integer({ min: 1, max: 9 })),
  });
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const view = new NamespaceView(2, (seq) => `{"seq":${seq}}`);
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
      expect([...ranked(view.sparse(query, false))].sort(bySeq)).toEqual(sparse.sort(bySeq));
      const dense = [...ranked(view.dense(Float32Array.of(1, 0)))].map(({ seq }) => seq);
      expect(dense.sort()).toEqual([...left.keys()].sort());
    }),
  );
});
