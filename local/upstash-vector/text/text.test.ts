import fc from "fast-check";
import { expect, test } from "vitest";
import { documentVector, queryVector } from "./bm25.ts";
import { stem } from "./stem.ts";
import { terms } from "./tokenize.ts";

test.each([
  // Examples of Porter's paper.
  ["caresses", "caress"],
  ["ponies", "poni"],
  ["cats", "cat"],
  ["feed", "feed"],
  ["agreed", "agre"],
  ["plastered", "plaster"],
  ["motoring", "motor"],
  ["sing", "sing"],
  ["conflated", "conflat"],
  ["hopping", "hop"],
  ["falling", "fall"],
  ["filing", "file"],
  ["happy", "happi"],
  ["sky", "sky"],
  ["relational", "relat"],
  ["conditional", "condit"],
  ["digitizer", "digit"],
  ["operator", "oper"],
  ["feudalism", "feudal"],
  ["decisiveness", "decis"],
  ["hopefulness", "hope"],
  ["triplicate", "triplic"],
  ["formalize", "formal"],
  ["electrical", "electr"],
  ["goodness", "good"],
  ["revival", "reviv"],
  ["adjustment", "adjust"],
  ["adoption", "adopt"],
  ["effective", "effect"],
  ["probate", "probat"],
  ["rate", "rate"],
  ["cease", "ceas"],
  ["controll", "control"],
  ["roll", "roll"],
])("%s has the stem %s", (word, expected) => {
  expect(stem(word)).toBe(expected);
});

test("terms: case, stop words, endings, code and digits", () => {
  expect(terms("The Approvals of approved run_steps, SHA-256!")).toEqual([
    "approv",
    "approv",
    "run",
    "step",
    "sha",
    "256",
  ]);
});

test("scripts without spaces become pairs of characters, others whole words", () => {
  expect(terms("审批账本v2")).toEqual(["审批", "批账", "账本", "v2"]);
  expect(terms("東京タワー 人")).toEqual(["東京", "京タ", "タワ", "ワー", "人"]);
  expect(terms("Привет мир, über naïve")).toEqual(["привет", "мир", "über", "naïve"]);
  expect(terms("ｆｕｌｌ")).toEqual(["full"]);
});

test("any text of any length gives a valid sparse vector", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(fc.lorem()).map((all) => all.join(" ")),
      ),
      (text) => {
        for (const { indices, values } of [documentVector(text), queryVector(text)]) {
          expect(indices.length).toBe(values.length);
          expect([...indices]).toEqual([...new Set(indices)].sort((a, b) => a - b));
          expect(values.every((value) => value > 0)).toBe(true);
        }
      },
    ),
  );
  const many = Array.from({ length: 5_000 }, (_, i) => `word${i}`).join(" ");
  expect(documentVector(many).indices).toHaveLength(1_000);
});
