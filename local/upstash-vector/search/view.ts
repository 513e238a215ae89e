import type { SparseVector, VectorRecord } from "../types.ts";
import { DenseMatrix } from "./dense.ts";
import type { Scored } from "./ranking.ts";
import { InvertedIndex } from "./sparse.ts";
import type { VectorMemory } from "./vector-memory.ts";

/** What both the view in memory and the search on disk answer. */
export interface Searchable {
  dense(query: Float32Array): Scored;
  /** Only records that share a dimension with the query. */
  sparse(query: SparseVector, weighted: boolean): Scored;
  /** Parsed metadata of a record; undefined when it has none. */
  metadata(seq: number): unknown;
}

const ROW_BYTES = 100;
const POSTING_BYTES = 16;

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
  readonly #metadata = new Map<number, unknown>();
  readonly #readMetadata: (seq: number) => string | undefined;
  #postings = 0;
  #metadataLength = 0;

  /** @param readMetadata reads a record's metadata from the store when a filter first asks for it */
  constructor(memory: VectorMemory, readMetadata: (seq: number) => string | undefined) {
    this.#dense = new DenseMatrix(memory);
    this.#readMetadata = readMetadata;
  }

  has(seq: number): boolean {
    return this.#rows.has(seq);
  }

  save(seq: number, { dense, sparse }: Pick<VectorRecord, "dense" | "sparse">): void {
    this.remove(seq);
    const row = this.#seqs.push(seq) - 1;
    this.#rows.set(seq, row);
    this.#dense.push(dense);
    if (sparse) this.#sparse.add(row, sparse);
    this.#postings += sparse?.indices.length ?? 0;
  }

  remove(seq: number): void {
    const row = this.#rows.get(seq);
    if (row === undefined) return;
    this.#rows.delete(seq);
    this.#metadata.delete(seq);
    this.#seqs[row] = 0;
  }

  /** Estimate of the memory held. */
  get bytes(): number {
    return (
      this.#dense.bytes +
      ROW_BYTES * this.#seqs.length +
      POSTING_BYTES * this.#postings +
      4 * this.#metadataLength
    );
  }

  get mostlyDead(): boolean {
    return this.#seqs.length > 1_000 && this.#rows.size < this.#seqs.length / 2;
  }

  dense(query: Float32Array): Scored {
    return { seqs: this.#seqs, scores: this.#dense.scores(query) };
  }

  sparse(query: SparseVector, weighted: boolean): Scored {
    return this.#sparse.scores(query, this.#seqs, weighted ? this.#rows.size : undefined);
  }

  metadata(seq: number): unknown {
    if (!this.#metadata.has(seq)) {
      const text = this.#readMetadata(seq);
      this.#metadata.set(seq, text === undefined ? undefined : JSON.parse(text));
      this.#metadataLength += text?.length ?? 0;
    }
    return this.#metadata.get(seq);
  }

  /** Gives the memory of the dense vectors back; the view cannot be used any more. */
  release(): void {
    this.#dense.release();
  }
}

/** Estimate of the memory that a view of so many records would hold. */
export function viewBytes(rows: number, dimension: number, postings: number): number {
  return rows * (4 * dimension + ROW_BYTES) + POSTING_BYTES * postings;
}
