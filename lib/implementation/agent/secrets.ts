import { redactText } from "../../redact.ts";

const PLACEHOLDER = /\[redacted:[^\]]*\]/g;

/**
 * Whether a new version of a file brings in what looks like a secret, or the placeholder that a model was shown instead of one.
 * What the file had before may stay.
 */
export function bringsSecret(before: string, after: string): boolean {
  const had = new Set(before.split("\n"));
  const added = after
    .split("\n")
    .filter((line) => !had.has(line))
    .join("\n");
  if (redactText(added).match(PLACEHOLDER) !== null) return true;
  return placeholders(after) > placeholders(before);
}

function placeholders(text: string): number {
  return redactText(text).match(PLACEHOLDER)?.length ?? 0;
}
