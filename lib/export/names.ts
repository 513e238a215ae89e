import { sha256 } from "../canonical.ts";

/** Two of them and what is around stay below Windows' 260 characters, with room for the directory they are unpacked in. */
const MAX_SEGMENT = 80;
/** What is kept of a name that is too long; a hash follows. */
const MAX_READABLE = 40;

/** Names that Windows gives to devices, with any ending. */
const RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

/** Where an artifact is in the archive, without an ending: `<kind>/<key>`, each by {@link segment}. */
export function stemOf({ kind, key }: { kind: string; key: string }): string {
  return `${segment(kind, "upper")}/${segment(key, "lower")}`;
}

/**
 * A text as one segment of a path that Linux, macOS and Windows take: ASCII letters of one case, digits, `_`, `-` and inner
 * dots stay, every other byte of its UTF-8 becomes `%XX`, so `decodeURIComponent` reads it back. Letters of the other case are
 * written so too: two names differ then also where case does not count. Beyond 80 characters it is the beginning, `~` and
 * a hash of the whole, and the manifest alone says what it stands for; the empty text is `~`.
 */
export function segment(text: string, letters: "upper" | "lower"): string {
  const plain = letters === "upper" ? /^[A-Z0-9_-]$/ : /^[a-z0-9_-]$/;
  const parts = [...text].map((character, at, all) => {
    // Windows drops dots at an end, a dot in front hides, and `..` leads away. Kinds are directories: none at all.
    const inner = letters === "lower" && at > 0 && at < all.length - 1 && all[at - 1] !== ".";
    return plain.test(character) || (character === "." && inner) ? character : escaped(character);
  });
  if (parts.length === 0) return "~";
  if (RESERVED.test(text)) parts[0] = escaped(text.charAt(0));
  const whole = parts.join("");
  if (whole.length <= MAX_SEGMENT) return whole;
  let readable = "";
  for (const part of parts) {
    if (readable.length + part.length > MAX_READABLE) break;
    readable += part;
  }
  return `${readable}~${sha256(text).slice(0, 32)}`;
}

/** By hand: encodeURIComponent leaves letters and some signs alone. */
function escaped(character: string): string {
  const bytes = [...Buffer.from(character, "utf8")];
  return bytes.map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}
