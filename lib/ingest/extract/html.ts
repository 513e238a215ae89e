import { type Handler, Parser } from "htmlparser2";
import { FileRefused } from "../../errors.ts";
import type { ExtractedDocument } from "../document.ts";
import { firstHeading } from "../markdown.ts";
import { cleanLine, cleanProse } from "./clean.ts";
import { decodeText } from "./decode.ts";
import { HtmlMarkdown } from "./html-markdown.ts";

/** Fed in pieces, so that the parser's own buffers stay small however large the page is. */
const PIECE = 64 * 1024;

/** Pages for people are tens deep. The parser's time grows with the square of the depth. */
const MAX_DEPTH = 2_000;

/**
 * Reads an HTML page as Markdown: headings, lists, fenced code, pipe tables; what is not content (scripts, styles,
 * navigation) is left out. Nothing is fetched and no tree is built, so memory is bounded by the text that comes out.
 * Throws FileRefused `corrupt` when elements are nested more than 2,000 deep.
 */
export function extractHtml(bytes: Uint8Array, name: string): ExtractedDocument {
  const html = decodeText(bytes, name);
  const writer = new HtmlMarkdown();
  const parser = new Parser(boundDepth(writer.handler(), name), {
    decodeEntities: true,
    lowerCaseTags: true,
  });
  for (let at = 0; at < html.length; at += PIECE) parser.write(html.slice(at, at + PIECE));
  parser.end();
  const text = cleanProse(writer.text()).trim();
  const title = cleanLine(writer.title()) || firstHeading(text);
  const pages = text ? [{ number: 1, text }] : [];
  return { format: "html", ...(title && { title }), pageCount: null, pages };
}

function boundDepth(handler: Partial<Handler>, name: string): Partial<Handler> {
  let depth = 0;
  return {
    ...handler,
    onopentag: (...opened) => {
      if (++depth > MAX_DEPTH) {
        const message = "The page is nested too deeply to be read. Save it as plain text.";
        throw new FileRefused("corrupt", message, { name, depth });
      }
      handler.onopentag?.(...opened);
    },
    onclosetag: (...closed) => {
      depth--;
      handler.onclosetag?.(...closed);
    },
  };
}
