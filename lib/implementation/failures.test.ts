import { expect, test } from "vitest";
import { processorMs } from "../../test/support/processor.ts";
import { failureLines } from "./failures.ts";

test.each([
  [
    "node --test",
    "✔ works (1ms)\n✖ a battery lasts as long as its usable charge (2ms)\nℹ fail 1\n\n✖ failing tests:\n\ntest at lib/battery.test.ts:12:1\n✖ a battery lasts as long as its usable charge (2ms)\n",
    "✖ a battery lasts as long as its usable charge (2ms)",
  ],
  ["TAP", "ok 1 - one\nnot ok 2 - two\n1..2\n", "not ok 2 - two"],
  [
    "vitest",
    " ✓ a.test.ts\n FAIL  b.test.ts > adds\nAssertionError: expected 1 to be 2\n",
    "FAIL  b.test.ts > adds",
  ],
  [
    "tsc",
    "lib/a.ts(3,5): error TS2322: Type 'string' is not assignable.\n",
    "error TS2322: Type 'string' is not assignable.",
  ],
  ["go", "--- FAIL: TestAdd (0.00s)\nFAIL\n", "--- FAIL: TestAdd (0.00s)"],
  ["progress", "10%\n\rsrc/a.c:3:5: error: expected ;\n", "src/a.c:3:5: error: expected ;"],
  ["colours", "\u001b[31m× adds\u001b[39m\n", "× adds"],
  ["nothing that is known", "one\ntwo\n\nthree\n", "one\ntwo\nthree"],
])("what failed stands in what %s says", (_, output, line) => {
  expect(failureLines(output)).toContain(line);
});

test("a message stays short, and says nothing twice", () => {
  const lines = failureLines(`${"✖ ".padEnd(1000, "x")}\n${"not ok 1\n".repeat(50)}`).split("\n");
  expect(lines).toHaveLength(2);
  expect(lines[0]).toHaveLength(200);
});

test("a line of blanks takes no longer than its length", async () => {
  const ms = await processorMs(() => {
    expect(failureLines(`not ok 1\n${" ".repeat(100_000)}.`)).toBe("not ok 1");
  });
  expect(ms).toBeLessThan(5000);
});
