import { secretValues } from "../env.ts";
import { placeholder, replaceSpans, type Span, type Write } from "./replace.ts";

/** Shorter values are words or numbers, and would be found everywhere. */
const MIN_LENGTH = 8;

let cached: { values: readonly string[]; writings: readonly string[] } | undefined;

/**
 * Every writing of the environment's secret values: as they are, in URLs, JSON and base64. Longest first, so that none
 * leaves a piece of a longer one.
 */
export function knownSecrets(): readonly string[] {
  const values = secretValues();
  if (cached?.values.length !== values.length || !cached.values.every((v, i) => v === values[i])) {
    const all = new Set(values.filter((value) => value.length >= MIN_LENGTH).flatMap(writings));
    const kept = [...all].filter(
      (text) => text.length >= MIN_LENGTH && !placeholder("environment").includes(text),
    );
    cached = { values, writings: kept.sort((a, b) => b.length - a.length) };
  }
  return cached.writings;
}

/** Redacts `secrets`, which are what {@link knownSecrets} gave. */
export function redactKnown(
  text: string,
  secrets: readonly string[],
  write: Write = placeholder,
): string {
  let result = text;
  for (const secret of secrets) {
    const spans: Span[] = [];
    for (
      let at = result.indexOf(secret);
      at >= 0;
      at = result.indexOf(secret, at + secret.length)
    ) {
      spans.push({ start: at, end: at + secret.length, what: "environment" });
    }
    result = replaceSpans(result, spans, write);
  }
  return result;
}

function writings(value: string): string[] {
  return [
    value,
    value.trim(),
    encodeURIComponent(value.toWellFormed()),
    encodeURI(value.toWellFormed()),
    JSON.stringify(value).slice(1, -1),
    // Also in the middle of a longer text in base64, such as `user:password`: there are three ways to fall into its groups.
    ...[0, 1, 2].flatMap((offset) => {
      const form = base64At(value, offset);
      return [form, form.replaceAll("+", "-").replaceAll("/", "_")];
    }),
  ];
}

/** The characters that depend on `value` alone when it begins `offset` bytes into a group of three. */
function base64At(value: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
  const first = Math.ceil((offset * 8) / 6);
  return bytes.toString("base64").slice(first, Math.floor((bytes.length * 8) / 6));
}
