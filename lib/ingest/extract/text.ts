import type { ExtractedDocument } from "../document.ts";
import { cleanLine, cleanProse, cleanText } from "./clean.ts";
import { decodeText } from "./decode.ts";

/** Plain text: one page, no structure. */
export function extractText(bytes: Uint8Array, name: string): ExtractedDocument {
  return single("text", cleanProse(decodeText(bytes, name)));
}

/** Markdown is the target grammar already, so only characters are cleaned. The title is its first heading. */
export function extractMarkdown(bytes: Uint8Array, name: string): ExtractedDocument {
  const text = cleanProse(decodeText(bytes, name));
  const heading = /^#{1,6}[ \t]+(.+?)[ \t#]*$/m.exec(text)?.[1];
  const title = heading === undefined ? "" : cleanLine(heading);
  return { ...single("markdown", text), ...(title && { title }) };
}

/** Source code is kept as written: no NFKC, since identifiers and string literals must be found and cited verbatim. */
export function extractCode(
  bytes: Uint8Array,
  name: string,
  language: string | undefined,
): ExtractedDocument {
  const document = single("code", cleanText(decodeText(bytes, name)));
  return { ...document, ...(language && { language }) };
}

function single(format: "text" | "markdown" | "code", text: string): ExtractedDocument {
  return { format, pageCount: null, pages: text.trim() ? [{ number: 1, text }] : [] };
}
