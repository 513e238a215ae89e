import { FilterError, type Step } from "./ast.ts";

/** A piece of a filter; `word` is an operator's name or a field, depending on where it stands. */
export type Token = { readonly position: number } & (
  | { readonly kind: "word"; readonly text: string }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "symbol"; readonly text: string }
  | { readonly kind: "end" }
);

const SPACE = /\s*/y;
const WORD = /[a-zA-Z_][a-zA-Z0-9_.[\]#-]*/y;
const NUMBER = /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
/** A quote inside a string is written twice. */
const STRING = /'((?:[^']|'')*)'|"((?:[^"]|"")*)"/y;
const SYMBOL = /!=|<=|>=|[=<>(),]/y;

/** Splits a filter into tokens, the last of kind `end`. Throws {@link FilterError}. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = position;
    return pattern.exec(text);
  };
  for (;;) {
    position += match(SPACE)?.[0].length ?? 0;
    if (position === text.length) return [...tokens, { kind: "end", position }];
    const [word, number, string, symbol] = [
      match(WORD),
      match(NUMBER),
      match(STRING),
      match(SYMBOL),
    ];
    if (word) tokens.push({ kind: "word", text: word[0], position });
    else if (number) tokens.push({ kind: "number", value: finite(number[0], position), position });
    else if (string) tokens.push({ kind: "string", value: unquote(string), position });
    else if (symbol) tokens.push({ kind: "symbol", text: symbol[0], position });
    else if (/['"]/.test(text[position] ?? "")) throw new FilterError("unclosed string", position);
    else throw new FilterError("unexpected character", position);
    position += (word ?? number ?? string ?? symbol)?.[0].length ?? 0;
  }
}

function unquote([, single, double]: RegExpExecArray): string {
  return single === undefined ? (double ?? "").replaceAll('""', '"') : single.replaceAll("''", "'");
}

function finite(text: string, position: number): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new FilterError("number out of range", position);
  // Minus zero equals zero everywhere but would not survive being printed.
  return value === 0 ? 0 : value;
}

const KEY = /[a-zA-Z_][a-zA-Z0-9_-]*/y;
const INDEX = /\[(?:(\d{1,9})|#-(\d{1,9}))\]/y;

/** Steps of a field such as `economy.industries[#-1]`. Throws {@link FilterError} where it stops making sense. */
export function path(text: string, start: number): Step[] {
  const steps: Step[] = [];
  let at = 0;
  while (at < text.length) {
    const expectsKey = at === 0 || text[at] === ".";
    const pattern = expectsKey ? KEY : INDEX;
    pattern.lastIndex = at + (expectsKey && at > 0 ? 1 : 0);
    const match = pattern.exec(text);
    if (!match) throw new FilterError(`"${text}" is not a field`, start + at);
    const [whole, index, fromEnd] = match;
    if (expectsKey) steps.push({ key: whole });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else steps.push({ fromEnd: Number(fromEnd) });
    at = pattern.lastIndex;
  }
  return steps;
}
