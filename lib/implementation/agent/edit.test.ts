import fc from "fast-check";
import { expect, test } from "vitest";
import { editOnce } from "./edit.ts";

test.each([
  ["abc", "", "x", /empty/],
  ["abc", "b", "b", /the same/],
  ["abc", "d", "x", /does not stand/],
  ["a b a", "a", "x", /more than once/],
  ["aaa", "aa", "x", /more than once/],
])("%j with %j as %j: %s", (text, old, replacement, problem) => {
  expect(editOnce(text, { old, replacement })).toEqual({ problem: expect.stringMatching(problem) });
});

test("what looks like a pattern is taken as it is", () => {
  const edited = editOnce("a.b $1", { old: "a.b", replacement: "$&$1" });
  expect(edited).toEqual({ text: "$&$1 $1" });
});

test("one place changes and everything around it stays; otherwise nothing is made", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 12 });
  fc.assert(
    fc.property(text, text, text, text, (before, old, after, replacement) => {
      const whole = before + old + after;
      const places = [...whole].filter((_, at) => whole.startsWith(old, at)).length;
      const edited = editOnce(whole, { old, replacement });
      if (old !== "" && old !== replacement && places === 1) {
        expect(edited).toEqual({ text: before + replacement + after });
      } else expect(edited).toHaveProperty("problem");
    }),
  );
});
