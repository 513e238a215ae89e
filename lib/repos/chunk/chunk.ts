import { cutDocument } from "../../ingest/chunk/chunk.ts";
import { embeddedText } from "../../ingest/chunk/embedded-text.ts";
import { contentHash } from "../../ingest/chunk/id.ts";
import { codeBreaks } from "./breaks.ts";
import { cleaner, sourceText } from "./inspect.ts";
import type { ChunkedFile, CodeChunk, SourceFile } from "./source.ts";

/**
 * Cuts a file of a repository into chunks of whole lines, of at most 512 tokens with its path: at declarations where a grammar
 * knows them, otherwise at blank lines and what is not indented. Only a line that is over the cap alone is cut.
 */
export async function chunkSource({ path, language, bytes }: SourceFile): Promise<ChunkedFile> {
  const source = sourceText(bytes);
  if ("skipped" in source) return source;
  const { text } = source;
  const clean = cleaner(text);
  if (clean === null) return { skipped: "secret" };
  const breaks = (await codeBreaks(text, { language, path })) ?? undefined;
  const document = {
    format: "code",
    title: path,
    pageCount: null,
    pages: [{ number: 1, text }],
  } as const;
  const lines = new LineCounter(text);
  const chunks: CodeChunk[] = [];
  for (const { startOffset, endOffset, content, breadcrumbs } of cutDocument(document, breaks)) {
    chunks.push({
      lineStart: lines.at(startOffset),
      lineEnd: lines.at(endOffset - 1),
      text: embeddedText({ breadcrumbs, content: clean(content) }),
      sha256: contentHash(content),
    });
  }
  return { chunks };
}

/** Numbers of lines, from 1, of positions that only grow. */
class LineCounter {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  at(position: number): number {
    for (let end = this.#text.indexOf("\n", this.#at); end !== -1 && end < position; ) {
      this.#line++;
      this.#at = end + 1;
      end = this.#text.indexOf("\n", this.#at);
    }
    return this.#line;
  }
}
