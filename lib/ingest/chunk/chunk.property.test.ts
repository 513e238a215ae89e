import fc from "fast-check";
import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import type { Chunk, ExtractedDocument, Format } from "../document.ts";
import { chunkDocument } from "./chunk.ts";
import { embeddedText } from "./embedded-text.ts";

const identity = { fileId: "file_1", fileSha256: "a".repeat(64), extractionVersion: 1 };
const ordinaryText = { disallowedSpecial: new Set<string>() };

/** What documents are made of: structure, scripts, things that join across boundaries. */
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.lorem({ maxCount: 30 }) },
  { weight: 2, arbitrary: fc.lorem({ mode: "sentences", maxCount: 12 }) },
  { weight: 3, arbitrary: fc.constantFrom("\n", "\n\n", "\n \t \n", " ", "   ", "\n    ") },
  {
    weight: 3,
    arbitrary: fc.constantFrom("\n# Head\n", "\n## Sub (1)\n", "\n###### Deep\n", "\n# \n"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\n```js\n", "\n```\n", "\n~~~~\n", "\n// note\n", ".\n//"),
  },
  { weight: 1, arbitrary: fc.constantFrom("\n| a | b |\n|---|---|\n| 1 | 2 |\n", "\n=======\n") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("文件的切分必须准确。", "「你好！」他说。", "カタカナ", "ไทย"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("👩‍👩‍👧‍👦", "🇫🇷🇩🇪", "e\u0301", "1️⃣", "a\u0300\u0301\u0302B", "ǅ"),
  },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 200 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 100 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom("x", "汉", "😀", "=", "/", " ", "\n", "<|endoftext|>", "a\u0301"),
        fc.nat(3000),
      )
      .map(([unit, times]) => unit.repeat(times)),
  },
);
const pageText = fc
  .array(piece, { maxLength: 40 })
  // gpt-tokenizer drops a byte order mark when it looks up what follows it, which the encoding does not.
  .map((pieces) => pieces.join("").replaceAll("\uFEFF", ""));
const documents: fc.Arbitrary<ExtractedDocument> = fc.record({
  format: fc.constantFrom<Format>("pdf", "markdown", "text", "code"),
  title: fc.option(fc.oneof(fc.lorem(), fc.string({ unit: "binary", maxLength: 300 })), {
    nil: undefined,
  }),
  pageCount: fc.constantFrom(null, 9),
  pages: fc.array(pageText, { minLength: 1, maxLength: 4 }).map((texts) =>
    // Page 2 has no text.
    texts.map((text, i) => ({ number: i === 0 ? 1 : i + 2, text })),
  ),
});

test("chunks are verbatim, in order, apart, complete, within the cap and counted exactly", () => {
  fc.assert(
    fc.property(documents, (document) => {
      check(document, [...chunkDocument(document, identity)]);
    }),
    { numRuns: 200 },
  );
});

function check(document: ExtractedDocument, chunks: readonly Chunk[]) {
  const joined = document.pages.map((page) => page.text).join("\n");
  const pageNumbers = document.pages.flatMap(({ number, text }) =>
    new Array<number>(text.length + 1).fill(number),
  );
  let end = 0;
  for (const [ordinal, chunk] of chunks.entries()) {
    expect(chunk.ordinal).toBe(ordinal);
    expect(joined.slice(chunk.startOffset, chunk.endOffset)).toBe(chunk.content);
    expect(chunk.startOffset).toBeGreaterThanOrEqual(end);
    expect(joined.slice(end, chunk.startOffset).trim()).toBe("");
    expect(chunk.content.trim()).not.toBe("");
    end = chunk.endOffset;

    expect(chunk.tokenCount).toBeLessThanOrEqual(512);
    expect(chunk.tokenCount).toBe(countTokens(embeddedText(chunk), ordinaryText));

    const paged = document.pageCount !== null;
    expect(chunk.pageStart).toBe(paged ? pageNumbers[chunk.startOffset] : null);
    expect(chunk.pageEnd).toBe(paged ? pageNumbers[chunk.endOffset - 1] : null);
  }
  expect(joined.slice(end).trim()).toBe("");
  expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(chunks.length);
}
