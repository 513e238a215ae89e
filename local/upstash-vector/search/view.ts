import type { Hit, SparseVector } from "../types.ts";
import { DenseMatrix } from "./dense.ts";
import { InvertedIndex, innerProducts } from "./sparse.ts";

/** What both the view in memory and the search on disk answer. Scores are not sorted. */
export interface Searchable {
  dense(query: Float32Array): Hit[];
  /** Only records that share a dimension with the query. */
  sparse(query: SparseVector, weighted: boolean): Hit[];
}

/**
 * One namespace's vectors in memory. Rows are only added: a record that changes gets a new row and leaves a dead one,
 * so that postings need no removal; the view is thrown away and loaded again when most rows are dead.
 */
export class NamespaceView implements Searchable {
  readonly #dense: DenseMatrix;
  readonly #sparse = new InvertedIndex();
  readonly #rows = new Map<number, number>();
  /** Record of each row; 0 for a dead row (SQLite counts from 1). */
  readonly #seqs: number[] = [];
  readonly #dimension: number;
  #dimensions = 0;

  constructor(dimension: number) {
    this.#dimension = dimension;
    this.#dense = new DenseMatrix(dimension);
  }

  save(seq: number, dense: Float32Array | undefined, sparse: SparseVector | undefined): void {
    this.remove(seq);
    const row = this.#seqs.push(seq) - 1;
    this.#rows.set(seq, row);
    this.#dense.push(dense);
    if (sparse) this.#sparse.add(row, sparse);
    this.#dimensions += sparse?.indices.length ?? 0;
  }

  remove(seq: number): void {
    const row = this.#rows.get(seq);
    if (row === undefined) return;
    this.#rows.delete(seq);
    this.#seqs[row] = 0;
  }

  /** Estimate of the memory held. */
  get bytes(): number {
    return viewBytes(this.#seqs.length, this.#dimension, this.#dimensions);
  }

  get mostlyDead(): boolean {
    return this.#seqs.length > 1_000 && this.#rows.size < this.#seqs.length / 2;
  }

  dense(query: Float32Array): Hit[] {
    const scores = this.#dense.scores(query);
    const hits: Hit[] = [];
    for (const [seq, row] of this.#rows) hits.push({ seq, score: scores[row] ?? 0 });
    return hits;
  }

  sparse(query: SparseVector, weighted: boolean): Hit[] {
    const live = (row: number) => this.#seqs[row] !== 0;
    const matches = (index: number) => this.#sparse.matches(index, live);
    const scores = innerProducts(query, matches, weighted ? this.#rows.size : undefined);
    return Array.from(scores, ([row, score]) => ({ seq: this.#seqs[row] ?? 0, score }));
  }
}

/** Memory of a view: 4 bytes a dense value, 16 a posting and 100 a row for the tables around them. */
export function viewBytes(rows: number, dimension: number, dimensions: number): number {
  return rows * (4 * dimension + 100) + 16 * dimensions;
}
