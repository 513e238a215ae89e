import { hash } from "node:crypto";
import { CODE_INDEX_VERSION } from "./version.ts";

/** Names a version of a file in the code index: the same path and content, cut by the same rules, is the same. 32 hex digits. */
export function codeKey({ path, blobSha }: { path: string; blobSha: string }): string {
  const parts = JSON.stringify([path, blobSha, CODE_INDEX_VERSION]);
  return hash("sha256", parts, "hex").slice(0, 32);
}

/** The id of a file's vector of that number, from 0. */
export function codeVectorId(key: string, ordinal: number): string {
  return `code_${key}_${ordinal}`;
}

/** The key that a vector's id begins with; null when it is no id of ours. */
export function keyOfVector(id: string): string | null {
  return /^code_([0-9a-f]{32})_\d+$/.exec(id)?.[1] ?? null;
}

/** The ids of all vectors of a file; of one that was never read there are none. */
export function codeVectorIds({ key, chunkCount }: { key: string; chunkCount: number | null }) {
  return Array.from({ length: chunkCount ?? 0 }, (_, ordinal) => codeVectorId(key, ordinal));
}
