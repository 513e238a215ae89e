import { isSecretName } from "./names.ts";
import { isPlaceholder, replaceSpans, type Span } from "./replace.ts";
import { isWordy, looksSecret } from "./values.ts";

/** A name with a secret word in it, from that word on, then what assigns: `=`, `:`, `=>`, `:=`, `>` of XML. */
const ASSIGNMENT =
  /(?:pass(?:word|wd|phrase|code)|pwd|secret|token|credential|(?:api|access|account|auth|private|signing|encryption|shared|master|service)[-_ ]?key|jwt|dsn)[\w.-]{0,40}(\\*["'`]?[ \t]{0,4}(?:=>|:=|[:=>])[ \t]{0,4})/gi;
const OPTION = /(?<!-)--[a-z-]{0,24}(?:password|passwd|secret|token|key)[ \t]+/gi;
const NAME_BEFORE = /[\w.-]{0,40}$/;
/** As much of a value as is needed to judge it. */
const ENOUGH = 256;

/** Redacts `name = value` in any notation where the name is secret and the value is no word, reference or prose. */
export function redactAssignments(text: string): string {
  const spans: Span[] = [];
  collect(text, ASSIGNMENT, spans);
  const result = replaceSpans(text, spans);
  if (!result.includes("--")) return result;
  const options: Span[] = [];
  collect(result, OPTION, options);
  return replaceSpans(result, options);
}

function collect(text: string, pattern: RegExp, spans: Span[]): void {
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const { index } = match;
    const [all, separator = ""] = match;
    const key = all.slice(0, all.length - separator.length);
    const before = NAME_BEFORE.exec(text.slice(Math.max(0, index - 40), index))?.[0] ?? "";
    // A value that is kept is read again: an assignment may stand in it.
    if (!isSecretName(before + key.trim())) continue;
    const value = valueAt(text, index + all.length);
    if (!value) continue;
    const quotedName = /^\\*["'`]/.test(separator);
    // Where JSON has no quotes there is a number or a literal: a placeholder would break it.
    if (quotedName && !value.quoted) continue;
    const shell = separator === "=" && /^[A-Z0-9_]+$/.test(before + key);
    if (!isSecretValue(value.sample, { shell, quotedName, quoted: value.quoted })) continue;
    const end = value.end();
    if (!isPlaceholder(text.slice(value.start, end))) {
      spans.push({ start: value.start, end, what: "secret" });
    }
    pattern.lastIndex = end;
  }
}

/** The more it looks like configuration and the less like prose or code, the less the value has to look like a secret. */
function isSecretValue(
  value: string,
  { shell, quotedName, quoted }: { shell: boolean; quotedName: boolean; quoted: boolean },
): boolean {
  if (looksSecret(value)) return !(quoted && /\s/.test(value) && isProse(value));
  if (/^[$<{%*]|\s/.test(value)) return false;
  // PASSWORD=letmein of a shell, "password":"letmeinplease" of a JSON body.
  return isWordy(value) && ((shell && value.length >= 6) || (quotedName && value.length > 12));
}

function isProse(value: string): boolean {
  return value.split(/\s+/).filter((word) => /^[A-Za-z][a-z'’-]*[.,;:!?)]?$/.test(word)).length > 1;
}

/** What a value may consist of, by the quote that opens it. */
const QUOTED = new Map([
  ['"', /(?:[^"\\\r\n]|\\.)+/y],
  ["'", /(?:[^'\\\r\n]|\\.)+/y],
  ["`", /(?:[^`\\\r\n]|\\.)+/y],
]);
/** Inside a text that is itself quoted the quotes are escaped, and the next backslash ends the value. */
const IN_ESCAPED_QUOTES = /[^"'\\\r\n]+/y;
const BARE = /[^\s"'`\\<>]+/y;
const OPENING = /\\*["'`]/y;

/** Its sample is enough to judge; `end` is looked for only when it is a secret, so that no text is read twice to its end. */
function valueAt(text: string, at: number) {
  const opening = matchAt(OPENING, text, at);
  const quoted = QUOTED.get(opening.at(-1) ?? "");
  const pattern = !quoted ? BARE : opening.length > 1 ? IN_ESCAPED_QUOTES : quoted;
  const start = at + opening.length;
  const sample = matchAt(pattern, text.slice(start, start + ENOUGH), 0);
  if (sample === "") return null;
  const end = () => start + matchAt(pattern, text, start).length;
  return { start, sample, quoted: quoted !== undefined, end };
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}
