/** Dimensions that are not zero: signed 32-bit indices in ascending order, one float32 value each. */
export interface SparseVector {
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

export type IndexType = "DENSE" | "SPARSE" | "HYBRID";

/** A vector as it is stored; which of dense and sparse there are depends on the index type. */
export interface VectorRecord {
  readonly id: string;
  readonly dense?: Float32Array;
  readonly sparse?: SparseVector;
  /** JSON object as text. */
  readonly metadata?: string;
  readonly data?: string;
}

/** A query's result before it is dressed with vectors, metadata and data. */
export interface Hit {
  /** Row number of the record in the store. */
  readonly seq: number;
  readonly score: number;
}
