import fc from "fast-check";
import { expect, test } from "vitest";
import type { Check } from "../github/checks.ts";
import { judgeChecks } from "./checks.ts";

const check = (name: string, state: Check["state"]): Check => ({ name, state, said: state });

test.each([
  [[], [], { bad: [], open: [], none: true }],
  [[], ["ci"], { bad: [], open: ["ci"], none: false }],
  [[check("ci", "good")], ["ci"], { bad: [], open: [], none: false }],
  [[check("ci", "good")], ["lint"], { bad: [], open: ["lint"], none: false }],
  [[check("ci", "pending")], ["ci"], { bad: [], open: ["ci"], none: false }],
] as const)("%j with %j required: %j", (seen, required, judged) => {
  expect(judgeChecks(seen, required)).toEqual(judged);
});

test("the gate opens only when nothing is bad, under way or missing", () => {
  const names = fc.constantFrom("a", "b", "c", "d");
  const checks = fc.uniqueArray(
    fc.record({ name: names, state: fc.constantFrom("good", "bad", "pending") }),
    { selector: ({ name }) => name },
  );
  fc.assert(
    fc.property(checks, fc.uniqueArray(names), (seen, required) => {
      const { bad, open } = judgeChecks(
        seen.map(({ name, state }) => check(name, state as Check["state"])),
        required,
      );
      const good = seen.filter(({ state }) => state === "good").map(({ name }) => name);
      const all = seen.length === good.length && required.every((name) => good.includes(name));
      expect(bad.length === 0 && open.length === 0).toBe(all);
    }),
  );
});
