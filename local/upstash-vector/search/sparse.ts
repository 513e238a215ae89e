import type { SparseVector } from "../types.ts";
import type { Scored } from "./ranking.ts";

/** Records that have a dimension, and their values there. */
export interface Matches {
  readonly seqs: readonly number[];
  readonly values: readonly number[];
}

/** Inverted index in memory: for every dimension, the rows that have it and their values there. */
export class InvertedIndex {
  readonly #postings = new Map<number, { rows: number[]; values: number[] }>();

  add(row: number, { indices, values }: SparseVector): void {
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i] as number;
      let postings = this.#postings.get(index);
      if (!postings) {
        postings = { rows: [], values: [] };
        this.#postings.set(index, postings);
      }
      postings.rows.push(row);
      postings.values.push(values[i] as number);
    }
  }

  /**
   * Inner products of a query with every row that shares a dimension with it, NaN for the others. Sums go into an array
   * by row: the postings of a common word are most of a namespace, and a Map of them takes ten times as long.
   *
   * @param seqs record of each row, 0 for a dead one
   * @param count as of {@link innerProducts}
   */
  scores(query: SparseVector, seqs: readonly number[], count: number | undefined): Scored {
    const sums = new Float64Array(seqs.length).fill(Number.NaN);
    for (const [i, index] of query.indices.entries()) {
      const { rows, values } = this.#postings.get(index) ?? { rows: [], values: [] };
      let live = 0;
      for (let at = 0; at < rows.length; at++) if (seqs[rows[at] as number] !== 0) live++;
      const weight = (query.values[i] ?? 0) * (count === undefined ? 1 : idf(count, live));
      for (let at = 0; at < rows.length; at++) {
        const row = rows[at] as number;
        const sum = sums[row] as number;
        sums[row] = (Number.isNaN(sum) ? 0 : sum) + weight * (values[at] as number);
      }
    }
    return { seqs, scores: sums };
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
 * Inner products of a query with the vectors that share a dimension with it.
 *
 * @param count number of vectors in the namespace, for IDF weighting; undefined weighs nothing
 */
export function innerProducts(
  query: SparseVector,
  matches: (index: number) => Matches,
  count: number | undefined,
): Scored {
  const scores = new Map<number, number>();
  for (const [i, index] of query.indices.entries()) {
    const { seqs, values } = matches(index);
    const weight = (query.values[i] ?? 0) * (count === undefined ? 1 : idf(count, seqs.length));
    for (let at = 0; at < seqs.length; at++) {
      const seq = seqs[at] as number;
      scores.set(seq, (scores.get(seq) ?? 0) + weight * (values[at] as number));
    }
  }
  return { seqs: [...scores.keys()], scores: [...scores.values()] };
}
