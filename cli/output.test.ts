import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clean, cleanLine, safeJson, table } from "./output.ts";

const ESC = "\u001b";
/** Text that means mischief: controls, escapes and direction marks among letters. */
const hostile = fc.string({
  unit: fc.constantFrom(
    ...[
      "a",
      "Z",
      "ü",
      "水",
      " ",
      "\n",
      "\t",
      "\r",
      "\0",
      "\u0007",
      ESC,
      "[",
      "]",
      "2J",
      "31m",
      ";",
    ],
    ...[
      "\u009b",
      "\u0085",
      "\u202e",
      "\u2066",
      "\u200b",
      "\ufeff",
      "\u2028",
      "\u{e0041}",
      "\ud800",
    ],
  ),
});
/** Everything that a terminal acts on or hides. */
const ACTED_ON = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

describe("text for a terminal", () => {
  test.each([
    [`${ESC}[2Jgone`, "gone"],
    [`${ESC}[31mred${ESC}[0m`, "red"],
    [`${ESC}]0;title\u0007text`, "text"],
    [`${ESC}]8;;http://evil.example\u0007here${ESC}]8;;\u0007`, "here"],
    ["\u009b31mred", "red"],
    ["pay \u202e001 to bob", "pay \\u{202e}001 to bob"],
    ["a\rb", "a\\u{d}b"],
    ["line\n\tand tab", "line\n\tand tab"],
    ["水 é 👩‍🚀", "水 é 👩‍🚀"],
  ])("%j becomes %j", (text, expected) => expect(clean(text)).toBe(expected));

  test("never holds what a terminal acts on, and is the same when cleaned again", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const cleaned = clean(text);
        expect(cleaned).not.toMatch(ACTED_ON);
        expect(clean(cleaned)).toBe(cleaned);
        expect(cleanLine(text)).not.toMatch(/[\n\t]/);
      }),
    );
  });

  test("as JSON says the same value, with nothing to act on", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const json = safeJson({ [text]: [text] });
        expect(json).not.toMatch(/[\n\t]/);
        expect(json).not.toMatch(ACTED_ON);
        expect(JSON.parse(json)).toEqual({ [text]: [text] });
      }),
    );
  });
});

test("a table has a line for each row, whatever its cells hold", () => {
  expect(
    table(
      ["A", "LONG"],
      [
        ["aaa", "b"],
        ["a", ""],
      ],
    ),
  ).toBe("A    LONG\naaa  b\na");
  fc.assert(
    fc.property(fc.array(fc.tuple(hostile, hostile)), (rows) => {
      expect(table(["A", "B"], rows).split("\n")).toHaveLength(rows.length + 1);
    }),
  );
});
