import fc from "fast-check";
import { expect, test } from "vitest";
import { segment, stemOf } from "./names.ts";

const unit = fc.constantFrom(..."aAbB09_-.%~/\\: \u00e9\u{1f600}\n".split(""), "\u{1f600}", "con");
const text = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.array(unit).map((all) => all.join("")),
);
const name = text.map((value) => value.toWellFormed());
const letters = fc.constantFrom("upper" as const, "lower" as const);

test.each([
  ["PRD", "main", "PRD/main"],
  ["PLAN", "run_01k/ledger", "PLAN/run_01k%2Fledger"],
  ["PLAN", "a/../../etc/passwd", "PLAN/a%2F.%2E%2F.%2E%2Fetc%2Fpasswd"],
  ["ADR_0001", "v1.2", "ADR_0001/v1.2"],
  ["prd", "Main", "%70%72%64/%4Dain"],
  ["CON", "nul.txt", "%43ON/%6Eul.txt"],
  ["A.", ".b.", "A%2E/%2Eb%2E"],
  ["", "", "~/~"],
  ["\u00c4", "\u65e5", "%C3%84/%E6%97%A5"],
])("%j, %j is %s", (kind, key, stem) => {
  expect(stemOf({ kind, key })).toBe(stem);
});

test("a name can be read back, and is one that every file system takes", () => {
  fc.assert(
    fc.property(name, letters, (value, which) => {
      const made = segment(value, which);
      expect(made).toMatch(/^[A-Za-z0-9_%~-](?:[A-Za-z0-9._%~-]*[A-Za-z0-9_%~-])?$/);
      expect(made).not.toMatch(/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i);
      expect(made.length).toBeLessThanOrEqual(80);
      if (made.includes("~")) expect(value === "" || made.length > 32).toBe(true);
      else expect(decodeURIComponent(made)).toBe(value);
    }),
  );
});

test("two names are two, also where case does not count", () => {
  fc.assert(
    fc.property(name, name, letters, (a, b, which) => {
      const [one, two] = [a, b].map((value) => segment(value, which).toLowerCase());
      expect(one === two).toBe(a === b);
    }),
  );
  const cases = ["main", "Main", "MAIN", "m%61in", "x".repeat(81), "x".repeat(82), "X".repeat(81)];
  expect(new Set(cases.map((value) => segment(value, "lower").toLowerCase())).size).toBe(7);
});
