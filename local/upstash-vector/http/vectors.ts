import { VectorError } from "../errors.ts";
import { shortestFloat32 } from "../float32.ts";
import type { VectorIndex } from "../index.ts";
import type { Columns } from "../store/rows.ts";
import type { SparseVector, VectorRecord } from "../types.ts";

interface WireVectors {
  readonly vector?: readonly number[] | null;
  readonly sparseVector?: { readonly indices: number[]; readonly values: number[] } | null;
}

interface Include {
  readonly includeVectors?: boolean | null;
  readonly includeMetadata?: boolean | null;
  readonly includeData?: boolean | null;
}

/** A record as the API shows it. */
export interface WireRecord {
  readonly id: string;
  readonly vector?: number[];
  readonly sparseVector?: { indices: number[]; values: number[] };
  readonly metadata?: unknown;
  readonly data?: string;
}

/** Vectors of a request as the index wants them; an index of the wrong type or dimension is a 422. */
export function readVectors(
  { vector, sparseVector }: WireVectors,
  index: VectorIndex,
): { dense?: Float32Array; sparse?: SparseVector } {
  const { dimension } = index.embedder;
  if (vector && index.type === "SPARSE") {
    throw new VectorError(422, "This is a sparse index: it takes no vector, only a sparseVector");
  }
  if (sparseVector && index.type === "DENSE") {
    throw new VectorError(422, "This is a dense index: it takes no sparseVector, only a vector");
  }
  if (vector && vector.length !== dimension) {
    throw new VectorError(
      422,
      `Invalid vector dimension: ${vector.length}, expected: ${dimension}`,
    );
  }
  return {
    ...(vector && { dense: Float32Array.from(vector) }),
    ...(sparseVector && { sparse: readSparse(sparseVector.indices, sparseVector.values) }),
  };
}

/** The same, for a record: it must have every vector that the index holds. */
export function readRecordVectors(wire: WireVectors, index: VectorIndex) {
  const vectors = readVectors(wire, index);
  if (!vectors.dense && index.type !== "SPARSE") throw missing("vector", index);
  if (!vectors.sparse && index.type !== "DENSE") throw missing("sparseVector", index);
  return vectors;
}

function missing(field: string, { type }: VectorIndex): VectorError {
  return new VectorError(422, `A ${type.toLowerCase()} index needs a ${field} for every vector`);
}

/** Sorts by index; values of an index given twice are added, which is what an inner product does with them. */
function readSparse(indices: readonly number[], values: readonly number[]): SparseVector {
  const sums = new Map<number, number>();
  for (const [i, index] of indices.entries()) {
    sums.set(index, (sums.get(index) ?? 0) + (values[i] ?? 0));
  }
  const entries = [...sums].sort(([a], [b]) => a - b);
  return {
    indices: Int32Array.from(entries, ([index]) => index),
    values: Float32Array.from(entries, ([, value]) => value),
  };
}

/** Columns to read for what a request wants included. */
export function columns({ includeVectors, includeMetadata, includeData }: Include): Columns {
  return {
    vectors: includeVectors === true,
    metadata: includeMetadata === true,
    data: includeData === true,
  };
}

export function showRecord({ id, dense, sparse, metadata, data }: VectorRecord): WireRecord {
  return {
    id,
    ...(dense && { vector: Array.from(dense, shortestFloat32) }),
    ...(sparse && {
      sparseVector: {
        indices: [...sparse.indices],
        values: Array.from(sparse.values, shortestFloat32),
      },
    }),
    ...(metadata !== undefined && { metadata: JSON.parse(metadata) as unknown }),
    ...(data !== undefined && { data }),
  };
}
