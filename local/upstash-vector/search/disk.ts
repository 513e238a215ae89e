import { denseBytes, sparseVector } from "../store/blobs.ts";
import { dimensionTerm, type Store } from "../store/store.ts";
import type { Hit, SparseVector } from "../types.ts";
import { scoreOfDistance } from "./dense.ts";
import { innerProducts } from "./sparse.ts";
import type { Searchable } from "./view.ts";

/**
 * Searches a namespace that does not fit in memory: sqlite-vec compares the dense vectors row by row, FTS5 finds
 * the records that share a dimension with a sparse query. The same scores as in memory, slower.
 */
export function searchOnDisk(store: Store, namespace: number): Searchable {
  const { db } = store;
  return {
    dense(query) {
      const sql = `SELECT seq, vec_distance_cosine(dense, ?) AS distance FROM vectors
        WHERE namespace = ? AND dense IS NOT NULL`;
      const hits: Hit[] = [];
      for (const row of db.prepare(sql).iterate(denseBytes(query), namespace)) {
        hits.push({
          seq: row.seq as number,
          score: scoreOfDistance(row.distance as number | null),
        });
      }
      return hits;
    },
    sparse(query, weighted) {
      const find = db.prepare(`SELECT v.seq, v.sparse FROM sparse_dimensions f
        JOIN vectors v ON v.seq = f.rowid WHERE f.dimensions MATCH ?`);
      function* matches(index: number): Generator<[number, number]> {
        for (const row of find.all(dimensionTerm(namespace, index))) {
          yield [row.seq as number, valueAt(sparseVector(row.sparse as Uint8Array), index)];
        }
      }
      const scores = innerProducts(query, matches, weighted ? store.count(namespace) : undefined);
      return Array.from(scores, ([seq, score]) => ({ seq, score }));
    },
  };
}

function valueAt({ indices, values }: SparseVector, index: number): number {
  return values[indices.indexOf(index)] ?? 0;
}
