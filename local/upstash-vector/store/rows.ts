import type { SparseVector, VectorRecord } from "../types.ts";
import { denseVector, sparseVector } from "./blobs.ts";
import type { Row } from "./statements.ts";

/** A record as it is in the store. */
export interface StoredRecord extends VectorRecord {
  readonly seq: number;
  readonly position: number;
}

/** Which columns to read: text can be large, vectors are. */
export interface Columns {
  readonly vectors?: boolean;
  readonly metadata?: boolean;
  readonly data?: boolean;
}

/** The start of a query for {@link toRecord}: records are `r`. */
export function select({ vectors, metadata, data }: Columns): string {
  const columns = ["r.seq", "r.position", "r.id"];
  if (metadata) columns.push("r.metadata");
  if (data) columns.push("r.data");
  if (vectors) columns.push("v.dense", "v.sparse");
  const join = vectors ? "JOIN vectors v ON v.seq = r.seq" : "";
  return `SELECT ${columns.join(", ")} FROM records r ${join}`;
}

export function toRecord(row: Row): StoredRecord {
  return {
    seq: row.seq as number,
    position: row.position as number,
    id: row.id as string,
    ...(typeof row.metadata === "string" && { metadata: row.metadata }),
    ...(typeof row.data === "string" && { data: row.data }),
    ...toVectors(row),
  };
}

export function toVectors({ dense, sparse }: Row): {
  dense?: Float32Array;
  sparse?: SparseVector;
} {
  return {
    ...(dense instanceof Uint8Array && { dense: denseVector(dense) }),
    ...(sparse instanceof Uint8Array && { sparse: sparseVector(sparse) }),
  };
}
