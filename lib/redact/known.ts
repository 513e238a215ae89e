import { secretValues } from "../env.ts";
import { placeholder, replaceSpans, type Span } from "./replace.ts";

/** Shorter values are words or numbers, and would be found everywhere. */
const MIN_LENGTH = 8;

let cached: { values: readonly string[]; forms: readonly string[] } | undefined;

/** Redacts the secret values of the environment, as they are and as they are written in URLs, JSON and base64. */
export function redactKnown(text: string): string {
  let result = text;
  for (const form of forms(secretValues())) {
    const spans: Span[] = [];
    for (let at = result.indexOf(form); at >= 0; at = result.indexOf(form, at + form.length)) {
      spans.push({ start: at, end: at + form.length, what: "environment" });
    }
    result = replaceSpans(result, spans);
  }
  return result;
}

/** Every writing of the values, longest first, so that none leaves a piece of a longer one. */
function forms(values: readonly string[]): readonly string[] {
  if (cached?.values.length !== values.length || !cached.values.every((v, i) => v === values[i])) {
    const all = new Set(values.filter((value) => value.length >= MIN_LENGTH).flatMap(writings));
    cached = {
      values,
      forms: [...all]
        .filter((form) => form.length >= MIN_LENGTH && !placeholder("environment").includes(form))
        .sort((a, b) => b.length - a.length),
    };
  }
  return cached.forms;
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
