import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ExtractedDocument, Format } from "../lib/ingest/document.ts";

/** The same on every machine with the same lock file: real Markdown and real code of the installed packages. */
const SOURCES: readonly (readonly [Format, string])[] = [
  ["markdown", ".md"],
  ["code", ".d.ts"],
];

/** Documents of about `megabytes` MB (UTF-8) for each of Markdown and code, every file a document. */
export function corpus(megabytes: number): { documents: ExtractedDocument[]; bytes: number } {
  const root = join(import.meta.dirname, "../node_modules");
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  const documents: ExtractedDocument[] = [];
  let bytes = 0;
  for (const [format, ending] of SOURCES) {
    let left = megabytes * 1e6;
    for (const name of names) {
      if (left <= 0) break;
      if (!name.endsWith(ending)) continue;
      const text = readFileSync(join(root, name), "utf8").replaceAll("\r", "");
      const size = Buffer.byteLength(text);
      left -= size;
      bytes += size;
      documents.push({ format, title: name, pageCount: null, pages: [{ number: 1, text }] });
    }
  }
  return { documents, bytes };
}
