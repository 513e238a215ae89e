/**
 * Collects garbage once the work at hand is over and nothing holds it any more. A PDFium's memory hangs on an object of a
 * few bytes, so that the collector sees no reason to hurry, and the next file would add its own.
 */
export function collectSoon(): void {
  setImmediate(() => globalThis.gc?.());
}
