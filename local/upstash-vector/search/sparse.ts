import type { SparseVector } from "../types.ts";

interface Postings {
  readonly rows: number[];
  readonly values: number[];
}

/** Inverted index in memory: for every dimension, the rows that have it and their values there. */
export class InvertedIndex {
  readonly #postings = new Map<number, Postings>();

  add(row: number, vector: SparseVector): void {
    for (const [i, index] of vector.indices.entries()) {
      let postings = this.#postings.get(index);
      if (!postings) {
        postings = { rows: [], values: [] };
        this.#postings.set(index, postings);
      }
      postings.rows.push(row);
      postings.values.push(vector.values[i] ?? 0);
    }
  }

  /** Rows and values of a dimension among the rows that are live. */
  *matches(index: number, live: (row: number) => boolean): Generator<[number, number]> {
    const postings = this.#postings.get(index);
    for (const [i, row] of postings?.rows.entries() ?? []) {
      if (live(row)) yield [row, postings?.values[i] ?? 0];
    }
  }
}

/**
 * Inverse document frequency of a dimension that `n` of `count` vectors have. Upstash's docs print the logarithm
 * without the 1 +, its service answers with it (the scores asserted in the tests of its own clients).
 */
export function idf(count: number, n: number): number {
  return Math.log(1 + (count - n + 0.5) / (n + 0.5));
}

/**
 * Inner products of a query with the vectors that share a dimension with it, by row.
 *
 * @param matches rows and values of a dimension
 * @param count number of vectors in the namespace, for IDF weighting; undefined weighs nothing
 */
export function innerProducts(
  query: SparseVector,
  matches: (index: number) => Iterable<[row: number, value: number]>,
  count: number | undefined,
): Map<number, number> {
  const scores = new Map<number, number>();
  for (const [i, index] of query.indices.entries()) {
    const found = [...matches(index)];
    const weight = (query.values[i] ?? 0) * (count === undefined ? 1 : idf(count, found.length));
    for (const [row, value] of found) scores.set(row, (scores.get(row) ?? 0) + weight * value);
  }
  return scores;
}
