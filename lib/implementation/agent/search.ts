import { redactLines } from "../../redact.ts";
import type { Files } from "./files.ts";

const MAX_HITS = 100;
const MAX_LINE_CHARS = 200;
/** What is looked through for one search. */
const MAX_CHARS = 64 * 1024 * 1024;

/**
 * The lines that hold a text, as `path:line: content`; files of the draft first. Looked for is in what may be shown, since whether
 * a secret holds a text would tell it letter by letter. Bounded in hits and in what is read, and says
 * when it stopped.
 */
export async function search(
  files: Files,
  { text, prefix }: { text: string; prefix: string },
): Promise<string> {
  if (/[\r\n]/.test(text)) return "Not carried out: a text to search for is within one line.";
  const hits: string[] = [];
  let chars = 0;
  for await (const file of files.texts(files.list(prefix))) {
    chars += file.text.length;
    for (const hit of hitsIn(file, text)) {
      hits.push(hit);
      if (hits.length === MAX_HITS) return [...hits, "(Stopped here: name a prefix.)"].join("\n");
    }
    if (chars > MAX_CHARS) return [...hits, "(Not all was read: name a prefix.)"].join("\n");
  }
  return hits.join("\n") || "Nothing holds it.";
}

function* hitsIn({ path, text }: { path: string; text: string }, wanted: string) {
  // Nearly every file: not worth redacting.
  if (!text.includes(wanted)) return;
  for (const [at, line] of redactLines(text).split("\n").entries()) {
    const column = line.indexOf(wanted);
    if (column === -1) continue;
    const from = Math.max(0, column + wanted.length - MAX_LINE_CHARS);
    yield `${path}:${at + 1}: ${line.slice(from, from + MAX_LINE_CHARS)}`;
  }
}
