import { expect, test } from "vitest";
import { functions } from "#functions/index.ts";
import { isClocked } from "./workers.ts";

test("exactly the functions that a clock alone wakes are left out of the matrix", () => {
  const told = functions.map((one) => {
    const triggers = [one.opts.triggers].flat();
    const clocked = triggers.every((trigger) => trigger !== undefined && "cron" in trigger);
    return { id: one.id("countersign"), clocked };
  });
  expect(told.filter(({ clocked }) => clocked).length).toBeGreaterThan(5);
  expect(told.filter(({ id }) => isClocked(id)).map(({ id }) => id)).toEqual(
    told.filter(({ clocked }) => clocked).map(({ id }) => id),
  );
});
