import fc from "fast-check";
import { expect, test } from "vitest";
import { withComment, withoutComment, withoutTrailer, withTrailer } from "./marker.ts";

const MARKER = "effect_01abc";
const text = fc.string({ unit: "grapheme" }).map((value) => value.replaceAll("\r", "").trimEnd());

test("what is marked is found again, as it was", () => {
  fc.assert(
    fc.property(text, (message) => {
      expect(withoutTrailer(withTrailer(message, MARKER), MARKER)).toBe(message);
      expect(withoutComment(withComment(message, MARKER), MARKER)).toBe(message);
    }),
  );
});

test("what GitHub adds behind does not hide it", () => {
  const message = `${withTrailer("fix", MARKER)}\n\nCo-authored-by: a <a@b.c>\n`;
  expect(withoutTrailer(message, MARKER)).toBe("fix");
  expect(withoutComment(withComment("a\nb", MARKER).replaceAll("\n", "\r\n"), MARKER)).toBe("a\nb");
});

test.each([
  ["another marker", withTrailer("fix", "effect_02")],
  ["a marker that only begins so", withTrailer("fix", `${MARKER}d`)],
  ["the marker in a sentence", `fix ${MARKER}`],
  ["no marker", "fix"],
])("%s is not ours", (_, message) => {
  expect(withoutTrailer(message, MARKER)).toBeNull();
  expect(withoutComment(message, MARKER)).toBeNull();
});
