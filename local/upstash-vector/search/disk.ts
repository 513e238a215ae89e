import { denseBytes, sparseVector } from "../store/blobs.ts";
import { dimensionTerm, type Store } from "../store/store.ts";
import type { SparseVector } from "../types.ts";
import { scoreOfDistance } from "./dense.ts";
import { innerProducts, type Matches } from "./sparse.ts";
import type { Searchable } from "./view.ts";

/**
 * Searches a namespace that does not fit in memory: sqlite-vec compares the dense vectors row by row, FTS5 finds
 * the records that share a dimension with a sparse query. The same scores as in memory, slower.
 */
export function searchOnDisk(store: Store, namespace: number): Searchable {
  const { db } = store;
  const distances = db.prepare(`SELECT seq, vec_distance_cosine(dense, ?) AS distance
    FROM vectors WHERE namespace = ? AND dense IS NOT NULL`);
  const having = db.prepare(`SELECT v.seq, v.sparse FROM sparse_dimensions f
    JOIN vectors v ON v.seq = f.rowid WHERE sparse_dimensions MATCH ?`);

  function matches(index: number): Matches {
    const rows = having.all(dimensionTerm(namespace, index));
    return {
      seqs: rows.map(({ seq }) => seq as number),
      values: rows.map(({ sparse }) => valueAt(sparseVector(sparse as Uint8Array), index)),
    };
  }

  return {
    dense(query) {
      const seqs: number[] = [];
      const scores: number[] = [];
      for (const row of distances.iterate(denseBytes(query), namespace)) {
        seqs.push(row.seq as number);
        scores.push(scoreOfDistance(row.distance as number | null));
      }
      return { seqs, scores };
    },
    sparse(query, weighted) {
      return innerProducts(query, matches, weighted ? store.count(namespace) : undefined);
    },
    metadata(seq) {
      const text = store.bySeq(seq, { metadata: true })?.metadata;
      return text === undefined ? undefined : JSON.parse(text);
    },
  };
}

function valueAt({ indices, values }: SparseVector, index: number): number {
  return values[indices.indexOf(index)] ?? 0;
}
