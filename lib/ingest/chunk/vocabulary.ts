import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";

/**
 * The o200k_base vocabulary as flat arrays: all tokens' bytes one after another, where each starts, and an open-addressed
 * hash table of ranks. A map of strings takes ten times the memory, and a second to build. It lies in memory that threads
 * share: those that are started once it is read find it there.
 */
const TOKENS = 199_998;
/** A power of two, so that a mask reduces a hash to a slot; under half full, so that most tokens are found at once. */
const SLOTS = 2 ** 19;

const BYTES = 2 ** 21;

const NAME = "o200k_base";
const known = getEnvironmentData(NAME) as SharedArrayBuffer | undefined;
const memory = known ?? new SharedArrayBuffer(BYTES + 4 * (SLOTS + TOKENS + 1));
const bytes = new Uint8Array(memory, 0, BYTES);
/** Rank + 1; 0 where there is no token. */
const slots = new Uint32Array(memory, BYTES, SLOTS);
const starts = new Uint32Array(memory, BYTES + 4 * SLOTS, TOKENS + 1);

const [NEWLINE, BLANK, PADDING] = [0x0a, 0x20, 0x3d];
/** The value of each base64 digit. */
const SEXTETS = new Uint8Array(128);
Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").forEach(
  (digit, value) => {
    SEXTETS[digit] = value;
  },
);

/** Rank of the token that is exactly `source[from, to)`; -1 where that is no token. */
export function rankOf(source: Uint8Array, from: number, to: number): number {
  for (let slot = hashOf(source, from, to) % SLOTS; ; slot = (slot + 1) % SLOTS) {
    const rank = (slots[slot] ?? 0) - 1;
    if (rank < 0 || isToken(rank, source, from, to)) return rank;
  }
}

function isToken(rank: number, source: Uint8Array, from: number, to: number): boolean {
  const start = starts[rank] ?? 0;
  if ((starts[rank + 1] ?? 0) - start !== to - from) return false;
  for (let i = from, j = start; i < to; i++, j++) if (source[i] !== bytes[j]) return false;
  return true;
}

/** FNV-1a of `source[from, to)`, its upper half folded in: a whole number below 2^32. */
export function hashOf(source: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (source[i] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/**
 * Reads tiktoken's format: a line per token with its bytes in base64, a blank, and its rank, which is the line's number.
 * Decoded here because a string for each token costs more than all the rest.
 */
function load(): void {
  const file = readFileSync(vocabularyFile());
  let rank = 0;
  let end = 0;
  for (let at = 0; at < file.length; at++) {
    const start = end;
    for (; at < file.length && file[at] !== BLANK; at += 4) {
      let group = 0;
      for (let i = at; i < at + 4; i++) group = (group << 6) | (SEXTETS[file[i] ?? 0] ?? 0);
      bytes[end++] = group >> 16;
      if (file[at + 2] !== PADDING) bytes[end++] = group >> 8;
      if (file[at + 3] !== PADDING) bytes[end++] = group;
    }
    while (at < file.length && file[at] !== NEWLINE) at++;
    let slot = hashOf(bytes, start, end) % SLOTS;
    while (slots[slot] !== 0) slot = (slot + 1) % SLOTS;
    slots[slot] = ++rank;
    starts[rank] = end;
  }
  if (rank !== TOKENS) throw new Error(`The vocabulary of o200k_base has ${rank} tokens.`);
}

/** Beside a bundle the file lies next to it, otherwise it is where the package is installed. */
function vocabularyFile(): string {
  const bundled = new URL("./o200k_base.tiktoken", import.meta.url);
  if (existsSync(bundled)) return fileURLToPath(bundled);
  return fileURLToPath(import.meta.resolve("gpt-tokenizer/data/o200k_base.tiktoken"));
}

if (!known) {
  load();
  setEnvironmentData(NAME, memory);
}
