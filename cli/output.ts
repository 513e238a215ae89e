import { stripVTControlCharacters } from "node:util";

/** Everything that a terminal would act on or hide: controls, and format characters but those that join letters. */
const HIDDEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Text from outside as it may go to a terminal: control sequences are taken out, and what is left of controls, bidirectional
 * overrides and other invisible characters is shown as `\u{…}`, so that a plan cannot look like another one. Line feeds and
 * tabs stay. Twice is the same as once.
 */
export function clean(text: string): string {
  return stripVTControlCharacters(text)
    .toWellFormed()
    .replace(HIDDEN, (character) =>
      character === "\n" || character === "\t"
        ? character
        : `\\u{${character.codePointAt(0)?.toString(16)}}`,
    );
}

/** The same on one line. */
export function cleanLine(text: string): string {
  return clean(text.replace(/\s+/g, " ")).trim();
}

/** JSON on one line; what a terminal would act on is escaped, which is the same JSON. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(HIDDEN, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** Prints for people or, as JSON, for programs. */
export function say(text: string): void {
  process.stdout.write(`${clean(text)}\n`);
}

export function sayJson(value: unknown): void {
  process.stdout.write(`${safeJson(value)}\n`);
}

/** Prints what is wrong. */
export function complain(text: string): void {
  process.stderr.write(`${clean(text)}\n`);
}

const MAX_CELL = 100;

/** Rows under their headings in columns; the last column is as long as it is, up to 100 characters as the others. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(cell));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => (row[column] ?? "").length)),
  );
  return [headings, ...cells]
    .map((row) => row.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

function cell(text: string): string {
  const line = cleanLine(text);
  return line.length > MAX_CELL ? `${line.slice(0, MAX_CELL - 1)}…` : line;
}

/** An instant of the API as people read it, in their own time zone. */
export function when(instant: string | null): string {
  if (instant === null) return "-";
  const date = new Date(instant);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", " ");
}
