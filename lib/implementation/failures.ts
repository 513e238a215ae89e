import { stripVTControlCharacters } from "node:util";

/** How test runners and compilers begin the line that names what failed. */
const FAILURE =
  /^(?:not ok\b|✖(?! failing tests)|✗|×|✕|FAIL(?:ED|URE)?\b|--- FAIL|error(?:\[|:|\b TS)|.*(?:: error\b|AssertionError))/i;
const MOST_LINES = 8;
const LINE_CHARS = 200;

/**
 * The lines of a command's output that say what failed, at most eight; when none is known as such, its last ones. For a
 * person who reads one message: the whole output is elsewhere.
 */
export function failureLines(output: string): string {
  const lines = stripVTControlCharacters(output)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const named = [...new Set(lines.filter((line) => FAILURE.test(line)))];
  const chosen = named.length > 0 ? named.slice(0, MOST_LINES) : lines.slice(-MOST_LINES);
  return chosen.map((line) => line.slice(0, LINE_CHARS)).join("\n");
}
