import type { Handler } from "htmlparser2";
import { cleanLine, escapeStructure } from "./clean.ts";
import { pipeTable } from "./pipe-table.ts";

/** Elements whose content is not part of what the page says. */
const DROPPED = new Set(
  "script style noscript template nav svg math iframe object canvas select button dialog".split(
    " ",
  ),
);

/** Elements that begin on a line of their own. */
const BLOCKS = new Set(
  (
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form " +
    "header hgroup hr html legend main menu ol p section summary table tbody tfoot thead ul"
  ).split(" "),
);

const MAX_LIST_DEPTH = 8;

interface List {
  readonly ordered: boolean;
  count: number;
}

/**
 * Turns a stream of HTML parser events into Markdown. It keeps counters and the open block, never the open elements,
 * so that a million nested tags cost nothing.
 */
export class HtmlMarkdown {
  readonly #blocks: string[] = [];
  readonly #lists: List[] = [];
  #title = "";
  #inTitle = false;
  #dropped = 0;
  /** How many tables are open: what is in an inner one belongs to the outer one's cell. */
  #tables = 0;
  #rows: string[][] = [];
  #preformatted = 0;
  #language = "";
  #inline = "";
  #prefix = "";

  title(): string {
    return this.#title;
  }

  /** Everything so far, blocks separated by blank lines and list items by line ends. */
  text(): string {
    this.#endBlock();
    return this.#blocks.join("");
  }

  handler(): Partial<Handler> {
    return {
      onopentag: (name, attributes) => this.#open(name, attributes),
      onclosetag: (name) => this.#close(name),
      ontext: (text) => this.#text(text),
    };
  }

  #text(text: string): void {
    if (this.#inTitle) this.#title += text;
    else if (this.#dropped > 0) return;
    else this.#inline += this.#preformatted > 0 ? text : text.replace(/\s+/g, " ");
  }

  #open(name: string, attributes: Record<string, string>): void {
    // The title of an SVG image is not the page's.
    if (name === "title") this.#inTitle = this.#title === "" && this.#dropped === 0;
    if (DROPPED.has(name)) this.#dropped++;
    if (this.#dropped > 0) return;
    if (name === "table") this.#openTable();
    else if (this.#tables > 0) this.#openInTable(name);
    else if (name === "pre") this.#openPre();
    else if (this.#preformatted > 0) this.#openInPre(name, attributes);
    else if (/^h[1-6]$/.test(name)) this.#startBlock(`${"#".repeat(Number(name[1]))} `);
    else if (name === "ul" || name === "ol") this.#openList(name === "ol");
    else if (name === "li") this.#openItem();
    else if (name === "br") this.#inline += "\n";
    else if (BLOCKS.has(name)) this.#endBlock();
  }

  #close(name: string): void {
    if (name === "title") this.#inTitle = false;
    if (DROPPED.has(name)) this.#dropped = Math.max(0, this.#dropped - 1);
    if (this.#dropped > 0) return;
    if (name === "table") this.#closeTable();
    else if (this.#tables > 0) return;
    else if (name === "pre") this.#closePre();
    else if (this.#preformatted > 0) return;
    else if (name === "ul" || name === "ol") {
      this.#endBlock();
      this.#lists.pop();
    } else if (name === "li" || BLOCKS.has(name) || /^h[1-6]$/.test(name)) this.#endBlock();
  }

  #openTable(): void {
    if (this.#tables === 0) this.#endBlock();
    this.#tables++;
  }

  #openInTable(name: string): void {
    if (this.#tables > 1) {
      this.#inline += " ";
      return;
    }
    if (name === "tr") {
      this.#endCell();
      this.#rows.push([]);
    } else if (name === "td" || name === "th") {
      this.#endCell();
      if (this.#rows.length === 0) this.#rows.push([]);
      this.#rows.at(-1)?.push("");
    } else {
      this.#inline += BLOCKS.has(name) || name === "br" || name === "li" ? " " : "";
    }
  }

  #endCell(): void {
    const row = this.#rows.at(-1);
    if (row && row.length > 0) row[row.length - 1] += this.#inline;
    // What stands in a table outside its cells is its caption.
    else this.#emit(collapse(this.#inline).map(escapeStructure).join("\n"), "\n\n");
    this.#inline = "";
  }

  #closeTable(): void {
    if (this.#tables === 0) return;
    this.#tables--;
    if (this.#tables > 0) return;
    this.#endCell();
    this.#emit(pipeTable(this.#rows), "\n\n");
    this.#rows = [];
  }

  #openPre(): void {
    this.#endBlock();
    this.#preformatted++;
    this.#language = "";
  }

  #openInPre(name: string, attributes: Record<string, string>): void {
    if (name === "br") this.#inline += "\n";
    this.#language ||=
      /(?:^|\s)lang(?:uage)?-([\w+#-]{1,32})/.exec(attributes.class ?? "")?.[1] ?? "";
  }

  #closePre(): void {
    if (this.#preformatted === 0) return;
    this.#preformatted = 0;
    const code = this.#inline
      .replaceAll("```", "'''")
      .replace(/^\r?\n/, "")
      .trimEnd();
    if (code) this.#emit(`\`\`\`${this.#language}\n${code}\n\`\`\``, "\n\n");
    this.#inline = "";
  }

  #openList(ordered: boolean): void {
    this.#endBlock();
    this.#lists.push({ ordered, count: 0 });
  }

  #openItem(): void {
    const list = this.#lists.at(-1);
    if (list) list.count++;
    const depth = Math.min(MAX_LIST_DEPTH, Math.max(0, this.#lists.length - 1));
    this.#startBlock(`${"  ".repeat(depth)}${list?.ordered ? `${list.count}.` : "-"} `);
  }

  #startBlock(prefix: string): void {
    this.#endBlock();
    this.#prefix = prefix;
  }

  #endBlock(): void {
    if (this.#preformatted > 0) {
      this.#closePre();
      return;
    }
    const lines = collapse(this.#inline);
    const prefix = this.#prefix;
    this.#inline = "";
    if (lines.length === 0) return;
    this.#prefix = "";
    if (prefix.startsWith("#")) this.#emit(prefix + lines.join(" "), "\n\n");
    else if (prefix) this.#emit(prefix + lines.join(" "), "\n");
    else this.#emit(lines.map(escapeStructure).join("\n"), "\n\n");
  }

  /** `gap` is what comes between two blocks of the same kind; between different ones there is a blank line. */
  #emit(block: string, gap: "\n" | "\n\n"): void {
    if (block === "") return;
    const tight = gap === "\n" && this.#lastGap === "\n";
    if (this.#blocks.length > 0) this.#blocks.push(tight ? "\n" : "\n\n");
    this.#blocks.push(block);
    this.#lastGap = gap;
  }
  #lastGap = "";
}

/** Lines of inline text as a browser shows them: breaks are where `<br>` put them, and blanks at their ends are gone. */
function collapse(inline: string): string[] {
  return inline
    .split("\n")
    .map(cleanLine)
    .filter((line) => line !== "");
}
