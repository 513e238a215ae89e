import type { Chunk, ExtractedDocument } from "../document.ts";
import { type Breadcrumbs, HeadingPath } from "./breadcrumbs.ts";
import { chunkIds, type DocumentIdentity } from "./id.ts";
import { CAP_TOKENS, MAX_LENGTH, TARGET_TOKENS } from "./limits.ts";
import { PageTexts } from "./pages.ts";
import { cutOversized } from "./split.ts";
import { PartCounter } from "./tokens.ts";
import { type Unit, UnitReader } from "./units.ts";

/** A chunk's place and measure, before it has an id and pages. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly tokenCount: number;
  readonly breadcrumbs: string;
}

/** The chunk that is being filled. */
interface Open {
  readonly start: number;
  readonly breadcrumbs: Breadcrumbs;
  readonly counter: PartCounter;
  end: number;
  tokenCount: number;
  /** Nothing but headings so far: they belong to what follows. */
  headingsOnly: boolean;
  /** The best place so far to end this chunk at, once it is half full. */
  best?: { readonly at: number; readonly span: Span; readonly strength: number };
}

/** A chunk but for its id, which takes two hashes. */
export type Cut = Omit<Chunk, "id">;

/** {@link cutDocument}, each with its id. The same document and identity give the same ids. */
export function* chunkDocument(
  document: ExtractedDocument,
  identity: DocumentIdentity,
): Generator<Chunk, void, undefined> {
  const idOf = chunkIds(identity);
  for (const cut of cutDocument(document)) yield { id: idOf(cut.content), ...cut };
}

/**
 * Cuts a document into chunks: in order, without overlap, covering every non-blank character. They end at headings,
 * pages, paragraphs or declarations, and go into a fenced block, a table row or a line only where it alone is over
 * the cap. Takes time linear in the text. Deterministic.
 * `breaks` says where declarations begin, for source code that was parsed; see {@link UnitReader}.
 */
export function* cutDocument(
  document: ExtractedDocument,
  breaks?: ReadonlyMap<number, number>,
): Generator<Cut, void, undefined> {
  const pages = new PageTexts(document.pages);
  let ordinal = 0;
  for (const { start, end, tokenCount, breadcrumbs } of spans(document, pages, breaks)) {
    yield {
      ordinal: ordinal++,
      content: pages.text.slice(start, end),
      breadcrumbs,
      tokenCount,
      pageStart: document.pageCount === null ? null : pages.pageAt(start),
      pageEnd: document.pageCount === null ? null : pages.pageAt(end - 1),
      startOffset: start,
      endOffset: end,
    };
  }
}

function* spans(
  document: ExtractedDocument,
  pages: PageTexts,
  breaks: ReadonlyMap<number, number> | undefined,
): Generator<Span, void, undefined> {
  const { text } = pages;
  const reader = new UnitReader(document.format, pages, breaks);
  const path = new HeadingPath(document.title);
  let open: Open | undefined;
  let unit = reader.read(0);
  while (unit !== undefined) {
    if (unit.heading !== undefined) {
      if (open !== undefined && !open.headingsOnly) {
        yield spanOf(open);
        open = undefined;
      }
      path.enter(unit.heading.level, unit.heading.title);
    } else if (open?.headingsOnly && open.breadcrumbs !== path.breadcrumbs()) {
      // Headings under headings: the text below stands under the last one.
      const reopened = begin(text, open.start, path.breadcrumbs());
      open = add(reopened, { ...unit, end: open.end, kind: "heading" }) ? reopened : open;
    }
    if (open !== undefined) consider(open, unit);
    open ??= begin(text, unit.start, path.breadcrumbs());

    if (add(open, unit)) {
      unit = reader.read(unit.next);
    } else if (open.end > open.start && !open.headingsOnly) {
      // Full. Lines after the best place are read again, into the next chunk.
      yield open.best?.span ?? spanOf(open);
      unit = reader.read(open.best?.at ?? unit.start);
      open = undefined;
    } else if (unit.kind === "fence") {
      reader.unpack(unit);
      unit = reader.read(open.start);
      open = undefined;
    } else {
      const { breadcrumbs, start } = open;
      const sentences = unit.kind !== "code" && unit.kind !== "row";
      const cut = cutOversized(text, start, unit.end, { sentences, breadcrumbs });
      yield { start, ...cut, breadcrumbs: breadcrumbs.text };
      unit = reader.read(cut.end);
      open = undefined;
    }
  }
  if (open !== undefined) yield spanOf(open);
}

function begin(text: string, start: number, breadcrumbs: Breadcrumbs): Open {
  const counter = new PartCounter(text, { start, reach: start + MAX_LENGTH }, breadcrumbs);
  return { start, breadcrumbs, counter, end: start, tokenCount: 0, headingsOnly: true };
}

/** Adds a unit if it fits. One that follows little more than an introduction may fill the chunk up to the cap. */
function add(open: Open, unit: Unit): boolean {
  if (unit.end - open.start > MAX_LENGTH) return false;
  const limit = open.tokenCount < TARGET_TOKENS / 4 ? CAP_TOKENS : TARGET_TOKENS;
  const tokenCount = open.counter.extend(unit.end, limit);
  if (tokenCount > limit) return false;
  open.end = unit.end;
  open.tokenCount = tokenCount;
  open.headingsOnly &&= unit.kind === "heading";
  return true;
}

/** Notes the place before `unit` if it is the best so far: the strongest, and the last of these. */
function consider(open: Open, unit: Unit): void {
  if (open.headingsOnly || open.tokenCount < TARGET_TOKENS / 2) return;
  if (open.best !== undefined && open.best.strength > unit.breakBefore) return;
  open.best = { at: unit.start, span: spanOf(open), strength: unit.breakBefore };
}

function spanOf(open: Open): Span {
  const { start, end, tokenCount } = open;
  return { start, end, tokenCount, breadcrumbs: open.breadcrumbs.text };
}
