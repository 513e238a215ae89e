import { FileRefused } from "../../errors.ts";

/** Share of bytes above 0x7f up to which a file that is not UTF-8 is taken for Western European text. */
const LATIN_SHARE = 0.3;

/**
 * Decodes a text file: by its byte order mark, else UTF-8, else UTF-16 by where its NULs are, else Windows-1252 when
 * it is mostly ASCII. Throws FileRefused `unsupported` when none of these fits, rather than index garbage.
 */
export function decodeText(bytes: Uint8Array, name: string): string {
  const encoding = utf16Of(bytes) ?? "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (cause) {
    if (encoding === "utf-8" && highShare(bytes) < LATIN_SHARE) {
      return new TextDecoder("windows-1252").decode(bytes);
    }
    const message = "The encoding of this text is not known. Save it as UTF-8 and upload that.";
    throw new FileRefused("unsupported", message, { name }, cause);
  }
}

/** Which UTF-16 a text is in, by its mark or by where its NULs are (Latin letters have one each); null for neither. */
export function utf16Of(bytes: Uint8Array): "utf-16le" | "utf-16be" | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return byNuls(bytes);
}

function byNuls(bytes: Uint8Array): "utf-16le" | "utf-16be" | null {
  const sample = bytes.subarray(0, 4096);
  // A short one with half a character at its end is something else, with a NUL in it.
  if (sample.length % 2 === 1) return null;
  const nuls = [0, 0];
  sample.forEach((byte, at) => {
    if (byte === 0) nuls[at % 2] = (nuls[at % 2] ?? 0) + 1;
  });
  const [even = 0, odd = 0] = nuls;
  if (odd > sample.length / 4 && even < odd / 16) return "utf-16le";
  if (even > sample.length / 4 && odd < even / 16) return "utf-16be";
  return null;
}

function highShare(bytes: Uint8Array): number {
  const high = bytes.reduce((count, byte) => count + (byte > 0x7f ? 1 : 0), 0);
  return high / bytes.length;
}
