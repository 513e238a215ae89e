import fc from "fast-check";
import { countTokens as reference } from "gpt-tokenizer/encoding/o200k_base";
import { O200K_TOKEN_SPLIT_REGEX } from "gpt-tokenizer/encodingParams/constants";
import { describe, expect, test } from "vitest";
import { pieceEnd } from "./pieces.ts";
import { countTokens, PartCounter } from "./tokens.ts";

const ordinaryText = { disallowedSpecial: new Set<string>() };

/** Characters of every class that the pre-tokenizer tells apart, in runs, so that its alternatives meet. */
const character = fc.constantFrom(
  ..."aBßÉǅʰªא汉ไ\u0301\u20e3\u{1d400}\u{1d41a}\u{20000}09٣Ⅷ\u{1d7d8}.!-/'_(😀👩‍👧🇫🇷\ud800\udc00 \t\n\r\u00a0\u2028\u3000",
  ..."'s 'T 'll 'Ve 're 'x 'l // \r\n".split(" "),
);
const mixed = fc.array(
  fc.tuple(character, fc.constantFrom(1, 1, 1, 2, 3, 5)).map(([unit, times]) => unit.repeat(times)),
  { maxLength: 60 },
);
const texts = fc.oneof(
  mixed.map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({ unit: "grapheme", maxLength: 300 }),
  fc.lorem({ mode: "sentences", maxCount: 20 }),
  fc.json(),
);

function pieces(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = pieceEnd(text, at, text.length);
    found.push(text.slice(at, end));
    at = end;
  }
  return found;
}

test("pieces are the matches of the pre-tokenizer's expression", () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(pieces(text)).toEqual(text.match(O200K_TOKEN_SPLIT_REGEX) ?? []);
    }),
    { numRuns: 1000 },
  );
});

test("a piece that takes longer to tell than allowed is not told", () => {
  for (const unit of ["a", "A", "汉", "=", "/", " ", "\n", "\u0301", "😀"]) {
    const text = `${unit.repeat(100)}.`;
    expect(pieceEnd(text, 0, 50)).toBe(Number.POSITIVE_INFINITY);
    expect(pieceEnd(text, 0, 300)).toBe(pieces(text)[0]?.length);
  }
});

describe("countTokens", () => {
  test("is gpt-tokenizer's count on any text", () => {
    fc.assert(
      fc.property(texts, (text) => {
        // gpt-tokenizer drops a byte order mark when it looks up what follows it, which the encoding does not.
        const unmarked = text.replaceAll("\uFEFF", "");
        expect(countTokens(unmarked)).toBe(reference(unmarked, ordinaryText));
      }),
      { numRuns: 500 },
    );
  });

  test("is gpt-tokenizer's count on pieces that are one long run", () => {
    const run = fc.tuple(
      fc.constantFrom("a", "ab", "汉", "=", "-=", " ", "\n", "é", "😀"),
      fc.nat(400),
    );
    fc.assert(
      fc.property(run, fc.lorem(), ([unit, times], word) => {
        const text = unit.repeat(times) + word;
        expect(countTokens(text)).toBe(reference(text, ordinaryText));
      }),
      { numRuns: 50 },
    );
  });

  test("takes n log n time where a rescan takes n squared", () => {
    expect(countTokens("a".repeat(200_000))).toBe(25_000);
  });
});

describe("PartCounter", () => {
  test("counts every line's end as a text of its own, with the prefix", () => {
    const line = fc.oneof(
      fc.lorem(),
      fc.constantFrom(
        "",
        "  ",
        "// note",
        "end.",
        "---",
        "    indented();",
        "你好。",
        "*/",
        "////",
      ),
    );
    const starts = fc.constantFrom("start", "// note", "/a", "   /b", ") x", "。");
    const prefixes = fc.constantFrom("", "Title\n\n", "Title > Sub (1)\n\n", "数\n\n");
    fc.assert(
      fc.property(starts, fc.array(line, { maxLength: 12 }), prefixes, (first, lines, prefix) => {
        // Content starts with a line that is not blank.
        const text = [first, ...lines].join("\n");
        const prefixTokens = countTokens(prefix);
        const counter = new PartCounter(
          text,
          { start: 0, reach: text.length },
          { prefix, prefixTokens },
        );
        let end = -1;
        for (const each of [first, ...lines]) {
          end += each.length + 1;
          if (each.trim() === "") continue;
          expect(counter.extend(end, 10_000)).toBe(countTokens(prefix + text.slice(0, end)));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("says Infinity past the limit, and how far the limit reaches", () => {
    const text = "one two three four";
    const measure = () =>
      new PartCounter(text, { start: 4, reach: 18 }, { prefix: "", prefixTokens: 0 });
    expect(measure().extend(18, 3)).toBe(3);
    expect(measure().extend(18, 2)).toBe(Number.POSITIVE_INFINITY);
    expect(measure().furthest(18, 2)).toBe("one two three".length);
  });
});
