import { cleanLine } from "./clean.ts";

/** Wider than any table for people; a sheet with a stray cell far to the right must not become a million empty ones. */
const MAX_COLUMNS = 256;

/**
 * Rows of raw cell texts as a pipe table whose first row is the header. Empty rows are left out, and so are empty cells
 * at the end of a row and columns past the 256th. Empty when there is nothing in it.
 */
export function pipeTable(rows: readonly (readonly string[])[]): string {
  const cleaned = rows.map(cleanRow).filter((row) => row.length > 0);
  const width = cleaned.reduce((max, row) => Math.max(max, row.length), 0);
  const [header, ...body] = cleaned;
  if (!header) return "";
  const padded = Array.from({ length: width }, (_, column) => header[column] ?? "");
  const rule = Array.from({ length: width }, () => "---");
  return [padded, rule, ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function cleanRow(row: readonly string[]): string[] {
  const cells = Array.from(row.slice(0, MAX_COLUMNS), (cell) =>
    cleanLine(cell ?? "").replaceAll("|", "\\|"),
  );
  return cells.slice(0, cells.findLastIndex((cell) => cell !== "") + 1);
}
