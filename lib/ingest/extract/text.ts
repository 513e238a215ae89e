import type { ExtractedDocument } from "../document.ts";
import { firstHeading } from "../markdown.ts";
import { cleanLine, cleanProse, cleanText } from "./clean.ts";
import { decodeText } from "./decode.ts";
import type { Detected } from "./detect.ts";

/** Reads a file that is text already: Markdown, source code or plain text. */
export function extractPlain(
  bytes: Uint8Array,
  name: string,
  { format, language }: Detected,
): ExtractedDocument {
  if (format === "markdown") return extractMarkdown(bytes, name);
  if (format === "code") return extractCode(bytes, name, language);
  return extractText(bytes, name);
}

/** Plain text: one page, no structure. */
function extractText(bytes: Uint8Array, name: string): ExtractedDocument {
  return single("text", cleanProse(decodeText(bytes, name)));
}

/** Markdown is the target grammar already, so only characters are cleaned. The title is its first heading. */
function extractMarkdown(bytes: Uint8Array, name: string): ExtractedDocument {
  const text = cleanProse(decodeText(bytes, name));
  const title = cleanLine(firstHeading(text));
  return { ...single("markdown", text), ...(title && { title }) };
}

/** Source code is kept as written: no NFKC, since identifiers and string literals must be found and cited verbatim. */
function extractCode(
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
