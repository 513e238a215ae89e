import { MAX_FILE_BYTES } from "../document.ts";

/** What one extraction may use. Sizes in bytes, times in milliseconds. */
export interface ExtractLimits {
  /** Size of the file itself. Checked before it is read. */
  readonly inputBytes: number;
  /** What a zip-based file may unpack to, whatever its directory claims. */
  readonly expandedBytes: number;
  /** How many times its own size a zip-based file may unpack to, once it is past 10 MB unpacked. */
  readonly expansionRatio: number;
  /** Pages, slides or sheets. */
  readonly pages: number;
  /** UTF-16 units of text in the whole document. */
  readonly textLength: number;
  /** From the start of the work to its result, waiting for a free worker not counted. */
  readonly deadlineMs: number;
  /** JavaScript heap of a worker process. */
  readonly heapBytes: number;
  /** Everything that a worker process occupies, buffers and WebAssembly included (watched on Linux alone). */
  readonly memoryBytes: number;
}

const MB = 1024 * 1024;

/** What applies where the caller says nothing else. */
export const DEFAULT_LIMITS: ExtractLimits = {
  inputBytes: MAX_FILE_BYTES,
  expandedBytes: 256 * MB,
  expansionRatio: 200,
  pages: 20_000,
  textLength: 30_000_000,
  deadlineMs: 120_000,
  heapBytes: 512 * MB,
  memoryBytes: 640 * MB,
};

/** Below this much, how well a file was compressed does not matter. */
const RATIO_FLOOR_BYTES = 10 * MB;

/** What a zip-based file of this size may unpack to, in bytes: real documents are below both limits by far. */
export function expansionCap(size: number, limits: ExtractLimits): number {
  const byRatio = Math.max(RATIO_FLOOR_BYTES, size * limits.expansionRatio);
  return Math.min(limits.expandedBytes, byRatio);
}
