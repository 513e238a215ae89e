/** Markup that is safe to put into a page as it is. */
export interface Html {
  readonly markup: string;
}

type Value = Html | string | number | null | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A template whose values are escaped, unless they are markup themselves: nobody can forget it. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  const markup = strings.map((text, i) => text + render(values[i] ?? null)).join("");
  return { markup };
}

function render(value: Value): string {
  if (value === null) return "";
  if (typeof value === "string" || typeof value === "number") return escaped(String(value));
  if ("markup" in value) return value.markup;
  return value.map(({ markup }) => markup).join("");
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

const STYLE = `
body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #ddd; }
pre { background: #f6f6f6; padding: .5rem; margin: 0; overflow-x: auto; white-space: pre-wrap; max-width: 45rem; }
form { display: inline; } button { font: inherit; }
.Running { color: #06c; } .Completed { color: #080; } .Failed { color: #c00; } .Cancelled { color: #777; }
`;

/** A whole page. */
export function page(title: string, body: Html): string {
  return `<!doctype html>${
    html`<html lang="en"><head><meta charset="utf-8"><title>${title}</title><style>${{ markup: STYLE }}</style></head>
<body><p><a href="/">Local Inngest engine</a></p><h1>${title}</h1>${body}</body></html>`.markup
  }`;
}

/** A table, or a word that there is nothing to put into one. */
export function table(heads: readonly string[], rows: readonly (readonly Value[])[]): Html {
  if (rows.length === 0) return html`<p>None.</p>`;
  const cells = (row: readonly Value[]) =>
    html`<tr>${row.map((value) => html`<td>${value}</td>`)}</tr>`;
  return html`<table><tr>${heads.map((head) => html`<th>${head}</th>`)}</tr>${rows.map(cells)}</table>`;
}

const SHOWN_CHARS = 4000;

/** A value as JSON, as much of it as a person reads. */
export function json(value: unknown): Html {
  const text = JSON.stringify(value, null, 2) ?? "";
  const shown = text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}\n…` : text;
  return html`<pre>${shown}</pre>`;
}

/** A point in time, in milliseconds since the epoch. */
export function time(ms: number | null): string {
  return ms === null ? "" : new Date(ms).toISOString().replace("T", " ");
}
