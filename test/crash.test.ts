import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { EFFECT_KINDS } from "#lib/effects/registry.ts";
import { type Cell, describe as nameOf, type Outcome } from "./crash/cell.ts";
import { type Fleet, startFleet } from "./crash/fleet.ts";
import { KINDS } from "./crash/kinds.ts";

/** The boundaries where most hangs on one line; `npm run crash` takes all there are. */
const SENT = "commit (effects -> sent; audit effect.sent)";
const CONFIRMED = "commit (effects -> confirmed; audit effect.confirmed)";
const CLAIMED =
  "commit (effects -> claimed; approvals -> used; audit approval.used, effect.claimed)";
const CALL = "call: create";

function kindOf(name: string) {
  const found = KINDS.find(({ kind }) => kind === name);
  if (!found) throw new Error(`there is no kind ${name}`);
  return found;
}
const [entry, note] = [kindOf("ledger.entry"), kindOf("ledger.note")];
const [push, pull, merge, cleanup] = ["push", "pull", "merge", "cleanup"].map((name) =>
  kindOf(`repo.${name}`),
) as [typeof entry, typeof entry, typeof entry, typeof entry];
const at = (label: string, when: "before" | "after") => ({ at: { label, nth: 1, when } });
const CELLS: readonly Cell[] = [
  // The longest first, so that no lane works on one alone at the end.
  { kind: push, action: "kill", ...at(push.call, "after") },
  { kind: pull, action: "hold", ...at(pull.call, "before") },
  { kind: merge, action: "kill", ...at(merge.call, "after") },
  { kind: cleanup, fault: { fault: "close-after" } },
  { kind: entry, action: "kill", ...at(SENT, "after") },
  { kind: note, action: "kill", ...at(CALL, "after") },
  { kind: entry, action: "hold", ...at(SENT, "after") },
  { kind: entry, action: "kill", ...at(CONFIRMED, "after") },
  { kind: entry, action: "kill", ...at(CLAIMED, "after") },
  { kind: entry, action: "delay", ...at(CALL, "before") },
  { kind: entry, fault: { fault: "close-after" } },
];

let fleet: Fleet | undefined;
let outcomes: readonly Outcome[] = [];

beforeAll(async () => {
  fleet = await startFleet({ lanes: 4, bundle: inject("bundle"), server: inject("neon") });
  outcomes = await fleet.run(CELLS);
}, 240_000);
afterAll(() => fleet?.close());

test.each(CELLS.map((cell, index) => [nameOf(cell), index] as const))(
  "%s: one object outside, confirmed, on record, and the run succeeds",
  (_, index) => {
    const { wrong, lines } = outcomes[index] ?? { wrong: ["it was not run"], lines: [] };
    expect(wrong, lines.join("\n")).toEqual([]);
  },
);

test("every kind of effect that is registered is in the matrix", () => {
  expect(KINDS.map(({ kind }) => kind).sort()).toEqual([...EFFECT_KINDS].sort());
});
