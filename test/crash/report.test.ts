import { expect, test } from "vitest";
import type { Outcome } from "./cell.ts";
import { KINDS } from "./kinds.ts";
import { matrixDocument } from "./report.ts";

function outcome(name: string, wrong: string[] = []): Outcome {
  const kind = KINDS.find((one) => one.kind === name);
  if (!kind) throw new Error(`there is no kind ${name}`);
  return { cell: { kind }, at: 0, missed: false, wrong, seconds: 1, crossed: [], lines: [] };
}

const parts = (document: string) => document.split(/^(?=## )/m).slice(1);

test("kinds that were not run keep what is said of them, and the order is that of the kinds", () => {
  const all = matrixDocument(KINDS.map(({ kind }) => outcome(kind)));
  const later = matrixDocument([outcome("repo.pull", ["lost"]), outcome("repo.pull")], all);
  expect(parts(later).map((part) => part.split("\n")[0])).toEqual(
    KINDS.map(({ kind }) => `## ${kind}`),
  );
  expect(later).toContain(`**${KINDS.length + 1} cells, 1 failed.**`);
  expect(later).toContain("- repo.pull, undisturbed, the whole run: lost");
  const others = (document: string) => parts(document).filter((one) => !one.includes("repo.pull"));
  expect(others(later)).toEqual(others(all));
  expect(
    matrixDocument(
      KINDS.map(({ kind }) => outcome(kind)),
      later,
    ),
  ).toBe(all);
});

test("a kind that nobody has run yet has no section", () => {
  const one = matrixDocument([outcome("repo.push")]);
  expect(parts(one)).toHaveLength(1);
  const two = parts(matrixDocument([outcome("ledger.note")], one));
  expect(two.map((part) => part.split("\n")[0])).toEqual(["## ledger.note", "## repo.push"]);
});
