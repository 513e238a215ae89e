import { isSecretName } from "./names.ts";
import { followsClosingQuote, isPlaceholder, replaceSpans, type Span } from "./replace.ts";
import { isWordy, looksSecret } from "./values.ts";

/** A name with a secret word in it, from that word on, then what assigns: `=`, `:`, `=>`, `:=`, `>` of XML, or just a quote. */
const ASSIGNMENT =
  /(?:pass(?:word|wd|phrase|code|(?![a-z]))|pwd|secret|token|credential|(?:api|access|account|auth|private|signing|encryption|shared|master|service)[-_ ]?key|jwt|dsn)[\w.-]{0,40}(\\*["'`]?[ \t]{0,4}(?:=>|:=|[:=>])[ \t]{0,4}|[ \t]{1,4}(?=\\*["'`]))/gi;
const OPTION = /(?<!-)--[a-z-]{0,24}(?:password|passwd|secret|token|key)[ \t]+/gi;
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
    const before = nameBefore(text, index);
    // A value that is kept is read again: an assignment may stand in it.
    if (!isSecretName(before + key.trim())) continue;
    const quotedName = /^\\*["'`]/.test(separator);
    const value = valueAt(text, index + all.length, separator);
    if (!value) continue;
    // Where JSON has no quotes there is a number or a literal: a placeholder would break it.
    const quoted = value.opening !== "";
    if (quotedName && !quoted) continue;
    // Name and value of one JSON are quoted alike; otherwise the quote may be the end of what is around the name.
    const alike = /^\\*["'`]?/.exec(separator)?.[0] === value.opening;
    if (quoted && !alike && followsClosingQuote(value.sample)) continue;
    const shell = separator === "=" && /^[A-Z0-9_]+$/.test(before + key);
    if (!isSecretValue(value.sample, { shell, quotedName, quoted })) continue;
    const end = value.end();
    if (!isPlaceholder(text.slice(value.start, end))) {
      spans.push({ start: value.start, end, what: "secret" });
    }
    pattern.lastIndex = end;
  }
}

/** What belongs to a name that is found from its secret word on: at most 40 characters, and no escape of quoted JSON. */
function nameBefore(text: string, index: number): string {
  const start = Math.max(0, index - 40);
  const found = /[\w.-]*$/.exec(text.slice(start, index))?.[0] ?? "";
  return text[index - found.length - 1] === "\\" ? found.slice(1) : found;
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

/** In double quotes as in JSON; in any other, and in quotes that are escaped themselves, the text around may be JSON. */
const IN_JSON = /(?:[^"\\\r\n]|\\.)+/y;
const IN_SINGLE = /[^'"\\\r\n]+/y;
const IN_BACKTICKS = /[^`"\\\r\n]+/y;
const BARE = /[^\s"'`\\<>]+/y;
const QUOTED = new Map([
  ['"', IN_JSON],
  ["`", IN_BACKTICKS],
]);
const OPENING = /\\*["'`]/y;

/** Its sample is enough to judge; `end` is looked for only when it is a secret, so that no text is read twice to its end. */
function valueAt(text: string, at: number, separator: string) {
  // An element of XML has its text as it is.
  const opening = separator === ">" ? "" : matchAt(OPENING, text, at);
  const pattern = opening === "" ? BARE : (QUOTED.get(opening) ?? IN_SINGLE);
  const start = at + opening.length;
  const sample = matchAt(pattern, text.slice(start, start + ENOUGH), 0);
  if (sample === "") return null;
  const end = () => start + matchAt(pattern, text, start).length;
  return { start, sample, opening, end };
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? "";
}
