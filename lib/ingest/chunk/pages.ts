import type { ExtractedPage } from "../document.ts";

/** The texts of a document's pages as one text, and which page a position in it belongs to. */
export class PageTexts {
  /** The pages' texts joined by "\n": what all offsets count in. */
  readonly text: string;
  readonly #pages: readonly ExtractedPage[];
  readonly #starts: number[] = [];

  constructor(pages: readonly ExtractedPage[]) {
    this.#pages = pages;
    this.text = pages.map((page) => page.text).join("\n");
    let start = 0;
    for (const page of pages) {
      this.#starts.push(start);
      start += page.text.length + 1;
    }
  }

  /** Number of the page that the unit at `position` is on. */
  pageAt(position: number): number {
    return this.#pages[this.#indexAt(position)]?.number ?? 1;
  }

  /** Whether a page starts exactly at `position`. */
  startsAt(position: number): boolean {
    return this.#starts[this.#indexAt(position)] === position;
  }

  /** Where the page of `position` ends. */
  endOf(position: number): number {
    return this.#starts[this.#indexAt(position) + 1] ?? this.text.length;
  }

  #indexAt(position: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle] ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
