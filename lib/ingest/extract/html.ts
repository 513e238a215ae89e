import { Parser } from "htmlparser2";
import type { ExtractedDocument } from "../document.ts";
import { cleanLine, cleanProse } from "./clean.ts";
import { decodeText } from "./decode.ts";
import { HtmlMarkdown } from "./html-markdown.ts";

/** Fed in pieces, so that the parser's own buffers stay small however large the page is. */
const PIECE = 64 * 1024;

/**
 * Reads an HTML page as Markdown: headings, lists, fenced code, pipe tables; what is not content (scripts, styles,
 * navigation) is left out. Nothing is fetched and no tree is built, so memory is bounded by the text that comes out.
 */
export function extractHtml(bytes: Uint8Array, name: string): ExtractedDocument {
  const html = decodeText(bytes, name);
  const writer = new HtmlMarkdown();
  const parser = new Parser(writer.handler(), { decodeEntities: true, lowerCaseTags: true });
  for (let at = 0; at < html.length; at += PIECE) parser.write(html.slice(at, at + PIECE));
  parser.end();
  const text = cleanProse(writer.text()).trim();
  const title = cleanLine(writer.title()) || firstHeading(text);
  const pages = text ? [{ number: 1, text }] : [];
  return { format: "html", ...(title && { title }), pageCount: null, pages };
}

function firstHeading(text: string): string {
  return /^#+ (.+)$/m.exec(text)?.[1] ?? "";
}
