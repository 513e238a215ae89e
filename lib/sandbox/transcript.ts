import { redactText } from "../redact.ts";

/** A piece at a time to the store. */
const BLOCK_CHARS = 64 * 1024;
const TAIL_BYTES = 8 * 1024;
const TRUNCATED = "\n[the rest was dropped]\n";

/** What is kept of a command's output. */
export interface Transcript {
  /** The redacted output in pieces; the same each time. */
  pieces(): AsyncGenerator<Uint8Array, void, undefined>;
  /** Its redacted end, at most 8 KB. */
  readonly tail: string;
}

/**
 * Output as it may be kept: redacted as one text, not in the chunks in which it came, so that no chunk's border can cut a
 * secret in two.
 */
export function transcriptOf(output: Buffer, truncated: boolean): Transcript {
  const text = redactText(storable(output.toString("utf8")));
  const whole = truncated ? text + TRUNCATED : text;
  return {
    async *pieces() {
      for (let at = 0; at < whole.length; at += BLOCK_CHARS)
        yield Buffer.from(whole.slice(at, at + BLOCK_CHARS));
    },
    tail: lastBytes(whole, TAIL_BYTES),
  };
}

/** A text as a row takes it: instead of NUL and of half a character it has signs for them. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\u2400").toWellFormed();
}

/** The end of a text, in whole characters. */
function lastBytes(text: string, bytes: number): string {
  const all = Buffer.from(text.slice(-bytes));
  const end = all.subarray(Math.max(0, all.length - bytes));
  // A character that was cut begins with bytes that only continue one.
  let at = 0;
  while (at < end.length && ((end[at] ?? 0) & 0xc0) === 0x80) at += 1;
  return end.subarray(at).toString("utf8");
}
