import { FilterError } from "./ast.ts";

type Part = "*" | ((character: string) => boolean);

/** Throws a {@link FilterError} when a `[` of the pattern is never closed. */
export function checkPattern(pattern: string, position: number): void {
  compile(pattern, position);
}

/**
 * Whether a string matches a case-sensitive UNIX glob: `*`, `?`, `[abc]`, `[a-z]`, `[^a]`. A `]` directly after the
 * opening bracket is itself in the list. Only the last `*` is ever retried, so the time is at most
 * pattern × text, whatever the pattern: a regular expression made from it could take exponential time.
 */
export function globMatcher(pattern: string): (text: string) => boolean {
  const parts = compile(pattern, 0);
  return (text) => matches(parts, [...text]);
}

function matches(parts: readonly Part[], characters: readonly string[]): boolean {
  let part = 0;
  let at = 0;
  let star: { part: number; at: number } | undefined;
  while (at < characters.length) {
    const current = parts[part];
    if (current === "*") {
      star = { part, at };
      part++;
    } else if (current?.(characters[at] ?? "")) {
      part++;
      at++;
    } else if (star) {
      star = { part: star.part, at: star.at + 1 };
      part = star.part + 1;
      at = star.at;
    } else {
      return false;
    }
  }
  while (parts[part] === "*") part++;
  return part === parts.length;
}

function compile(pattern: string, position: number): Part[] {
  const characters = [...pattern];
  const parts: Part[] = [];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i];
    if (character === "*") {
      parts.push("*");
    } else if (character === "?") {
      parts.push(() => true);
    } else if (character === "[") {
      const negated = characters[i + 1] === "^";
      const start = i + (negated ? 2 : 1);
      const end = characters.indexOf("]", start + 1);
      if (end === -1) throw new FilterError("the pattern has an unclosed [", position);
      const listed = list(characters.slice(start, end));
      parts.push((candidate) => listed(candidate) !== negated);
      i = end;
    } else {
      parts.push((candidate) => candidate === character);
    }
  }
  return parts;
}

/** Membership in the inside of brackets: single characters and ranges by code point. */
function list(characters: readonly string[]): (candidate: string) => boolean {
  const ranges: [number, number][] = [];
  for (let i = 0; i < characters.length; i++) {
    const from = code(characters[i]);
    const isRange = characters[i + 1] === "-" && i + 2 < characters.length;
    ranges.push([from, isRange ? code(characters[i + 2]) : from]);
    if (isRange) i += 2;
  }
  return (candidate) => {
    const point = code(candidate);
    return ranges.some(([from, to]) => from <= point && point <= to);
  };
}

const code = (character: string | undefined) => character?.codePointAt(0) ?? -1;
