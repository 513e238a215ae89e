import type { SparseVector } from "../types.ts";
import { hash31 } from "./hash.ts";
import { terms } from "./tokenize.ts";

// The constants Upstash publishes for its BM25 model (docs: vector, sparse indexes).
const K1 = 1.2;
const B = 0.75;
const AVERAGE_LENGTH = 32;
/** The most non-zero dimensions a sparse vector may have. */
const MAX_DIMENSIONS = 1_000;

/** Sparse vector of a stored text: BM25's term weight without its IDF, which is applied when querying. */
export function documentVector(text: string): SparseVector {
  const all = terms(text);
  const norm = K1 * (1 - B + (B * all.length) / AVERAGE_LENGTH);
  return vector(all, (frequency) => (frequency * (K1 + 1)) / (frequency + norm));
}

/** Sparse vector of a query: how often each term was asked for. */
export function queryVector(text: string): SparseVector {
  return vector(terms(text), (frequency) => frequency);
}

function vector(all: readonly string[], weight: (frequency: number) => number): SparseVector {
  const frequencies = new Map<number, number>();
  for (const term of all) {
    // Among 50,000 terms 0.6 pairs share a dimension on average.
    const index = hash31(term);
    // Past the limit the first terms of a text count, like the first tokens do on the dense side.
    if (frequencies.size === MAX_DIMENSIONS && !frequencies.has(index)) continue;
    frequencies.set(index, (frequencies.get(index) ?? 0) + 1);
  }
  const entries = [...frequencies].sort(([a], [b]) => a - b);
  return {
    indices: Int32Array.from(entries, ([index]) => index),
    values: Float32Array.from(entries, ([, frequency]) => weight(frequency)),
  };
}
