import {
  followsClosingQuote,
  isPlaceholder,
  replaceMatches,
  replaceSpans,
  type Span,
  tail,
} from "./replace.ts";
import { looksRandom } from "./values.ts";

/** A header line as clients print it, also quoted on a command line or as a JSON field in a text. */
const HEADER =
  /(?:(?:proxy-)?authorization|cookie|x-[a-z-]{0,30}(?:token|api-?key|auth|secret|signature)|(?<![\w-])api-key)\\*["']?[ \t]{0,4}:[ \t]{0,4}\\*["']?/gi;
/** To the end of the line, or to the quote around it. */
const VALUE = /[^\r\n"'\\]+/y;
/** Where a word begins, also behind the letter of an escape in quoted JSON. */
const BEARER = /(?<!(?<!\\)[a-z0-9])(?:bearer|token)[ \t]{1,4}([\w~+/.-]{8,}=*)/gi;
const BASIC = /(?<!(?<!\\)[a-z0-9])basic[ \t]{1,4}([A-Za-z0-9+/_-]{6,}={0,2})/gi;
/** As much of a value as is needed to judge it. */
const ENOUGH = 256;

/** Redacts what logs in: the values of headers, and `Bearer …` and `Basic …` wherever they stand. */
export function redactHeaders(text: string): string {
  let result = replaceSpans(text, headerValues(text));
  result = replaceMatches(result, BEARER, "bearer", (match) =>
    looksRandom(match[1] ?? "") ? tail(match) : null,
  );
  return replaceMatches(result, BASIC, "basic", (match) =>
    Buffer.from(match[1] ?? "", "base64").includes(":") ? tail(match) : null,
  );
}

function headerValues(text: string): Span[] {
  const spans: Span[] = [];
  HEADER.lastIndex = 0;
  for (let match = HEADER.exec(text); match; match = HEADER.exec(text)) {
    const start = HEADER.lastIndex;
    // A value that is kept is read again: another header may stand in it.
    const rest = text.slice(start, start + ENOUGH);
    if (/["']$/.test(match[0]) && followsClosingQuote(rest)) continue;
    if (isProse(match[0], rest.split(/[\r\n"'\\]/, 1)[0] ?? "")) continue;
    VALUE.lastIndex = start;
    const end = start + (VALUE.exec(text)?.[0].length ?? 0);
    if (!isPlaceholder(text.slice(start, end))) spans.push({ start, end, what: "header" });
    HEADER.lastIndex = end;
  }
  return spans;
}

/** "Authorization: every request needs one" is text about it: words and references alone, and not one word behind a scheme. */
function isProse(name: string, value: string): boolean {
  const words = value.trim().split(/\s+/);
  if (!words.every((word) => /^[A-Za-z_.,;:()<>{}$`…-]*$/.test(word))) return false;
  const [scheme = "", credential = ""] = words;
  if (/^cookie/i.test(name) || words.length !== 2 || /^[<{$]/.test(credential)) return true;
  return !/^`?(?:bearer|basic|token|apikey)$/i.test(scheme);
}
