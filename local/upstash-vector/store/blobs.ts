import type { SparseVector } from "../types.ts";

/** A sparse vector as bytes: all indices (int32), then all values (float32), in the machine's byte order. */
export function sparseBytes({ indices, values }: SparseVector): Uint8Array {
  const blob = new Uint8Array(indices.byteLength + values.byteLength);
  blob.set(new Uint8Array(indices.buffer, indices.byteOffset, indices.byteLength));
  blob.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), indices.byteLength);
  return blob;
}

/** The reverse of {@link sparseBytes}. */
export function sparseVector(blob: Uint8Array): SparseVector {
  const { buffer, byteOffset } = aligned(blob);
  const count = blob.byteLength / 8;
  return {
    indices: new Int32Array(buffer, byteOffset, count),
    values: new Float32Array(buffer, byteOffset + count * 4, count),
  };
}

/** A dense vector as bytes. */
export function denseBytes(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The reverse of {@link denseBytes}. */
export function denseVector(blob: Uint8Array): Float32Array {
  const { buffer, byteOffset } = aligned(blob);
  return new Float32Array(buffer, byteOffset, blob.byteLength / 4);
}

/** The same bytes, copied where they do not begin at a multiple of four. */
function aligned(blob: Uint8Array): Uint8Array {
  return blob.byteOffset % 4 === 0 ? blob : blob.slice();
}
