/** Bumped whenever extraction or chunking changes its output: files ingested by an older one are ingested again. */
export const EXTRACTION_VERSION = 2;

/** The largest file that is accepted, in bytes, by upload or by link. */
export const MAX_FILE_BYTES = 100 * 1024 * 1024;

/** The document formats that can be ingested. */
export const FORMATS = ["pdf", "docx", "pptx", "xlsx", "html", "markdown", "text", "code"] as const;
export type Format = (typeof FORMATS)[number];

/**
 * One page of a document: a PDF page, a slide, a sheet; the whole document where the format has no pages.
 * `text` is NFKC, without C0 controls other than \n and \t, with \n line ends. Structure is written as Markdown in
 * every format but `text` and `code`: ATX headings (`# `), fenced code, pipe tables, so that the chunker has one grammar.
 */
export interface ExtractedPage {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/** What every extractor returns. Pages without text are left out, numbers keep their place. */
export interface ExtractedDocument {
  readonly format: Format;
  /** The document's own title (metadata or first heading), for breadcrumbs; absent when it has none. */
  readonly title?: string;
  /** Lower-case name of the programming language for `code`: `typescript`, `python`. */
  readonly language?: string;
  /** How many pages the source has, also those without text; null where the format has no pages (docx, html, markdown, text, code). */
  readonly pageCount: number | null;
  readonly pages: readonly ExtractedPage[];
}

/** A piece of a document that is indexed and cited. Offsets count UTF-16 units in the pages' texts joined by "\n". */
export interface Chunk {
  /** Hash of the file, its content hash, the extraction version, this content and its occurrence; see chunk/id.ts. */
  readonly id: string;
  /** Position in the document, from 0, without gaps. */
  readonly ordinal: number;
  /** The source text, verbatim: `joined.slice(startOffset, endOffset) === content`. */
  readonly content: string;
  /** `title > heading > subheading`; empty when there is none. Put before the content in what is embedded. */
  readonly breadcrumbs: string;
  /** Exact count of what is embedded (breadcrumbs and content), o200k_base tokens, at most 512. */
  readonly tokenCount: number;
  /** First and last page that the content touches; null where the format has no pages. */
  readonly pageStart: number | null;
  readonly pageEnd: number | null;
  readonly startOffset: number;
  readonly endOffset: number;
}
