import { SEPARATOR } from "./embedded-text.ts";
import { characterBoundary, trimEnd } from "./text.ts";
import { countTokens } from "./tokens.ts";

/** Longest single title in UTF-16 units, and longest breadcrumbs in tokens: the rest of the cap is the content's. */
const TITLE_LENGTH = 80;
const MAX_TOKENS = 96;

/** What stands before the content of a chunk, with its exact token count. */
export interface Breadcrumbs {
  readonly text: string;
  /** Breadcrumbs and separator as they are embedded; empty when there are none. */
  readonly prefix: string;
  readonly prefixTokens: number;
}

/** Follows the headings of a document, so that every chunk knows where it stands. */
export class HeadingPath {
  readonly #title: string;
  #headings: { level: number; title: string }[] = [];
  #current: Breadcrumbs | undefined;

  constructor(documentTitle = "") {
    this.#title = shorten(documentTitle, TITLE_LENGTH);
  }

  /** A heading of `level` (1 to 6) ends every section of that level or deeper. */
  enter(level: number, title: string): void {
    this.#headings = this.#headings.filter((heading) => heading.level < level);
    this.#headings.push({ level, title: shorten(title, TITLE_LENGTH) });
    this.#current = undefined;
  }

  /** `title > heading > subheading` at this place. */
  breadcrumbs(): Breadcrumbs {
    this.#current ??= measure(join(this.#titles()));
    return this.#current;
  }

  #titles(): string[] {
    const titles = [this.#title, ...this.#headings.map((heading) => heading.title)];
    // The first heading of most documents repeats their title.
    return titles.filter((title, i) => title !== "" && title !== titles[i - 1]);
  }
}

function measure(text: string): Breadcrumbs {
  const prefix = text === "" ? "" : text + SEPARATOR;
  return { text, prefix, prefixTokens: countTokens(prefix) };
}

/** Where it does not fit, the outermost and innermost titles say most: the middle goes first, then the ends shrink. */
function join(titles: readonly string[]): string {
  const first = titles[0] ?? "";
  const last = titles.at(-1) ?? "";
  for (let kept = titles.length - 1; kept >= 1; kept--) {
    const tail = titles.slice(titles.length - kept);
    const gap = kept === titles.length - 1 ? [] : ["…"];
    const text = [first, ...gap, ...tail].join(" > ");
    if (fits(text)) return text;
  }
  for (let length = TITLE_LENGTH; ; length >>= 1) {
    const text = titles.length > 1 ? `… > ${shorten(last, length)}` : shorten(first, length);
    if (fits(text)) return text;
  }
}

function fits(text: string): boolean {
  return countTokens(text) <= MAX_TOKENS;
}

/** One line of at most `length` units, cut between characters. */
function shorten(title: string, length: number): string {
  const line = title
    .slice(0, 4 * TITLE_LENGTH)
    .replace(/\s+/g, " ")
    .trim();
  if (line.length <= length) return line;
  const cut = characterBoundary(line, 0, length - 1);
  return `${line.slice(0, trimEnd(line, 0, cut))}…`;
}
