import { expect, test } from "vitest";
import { keyOf } from "./keys.ts";

const event = { id: "1", name: "a", ts: 1, data: { user: "ada", n: 5 } };

test.each([
  [undefined, ""],
  ["event.data.user", '"ada"'],
  ["event.data.n", "5"],
  ["size(event.data.user)", "3"],
  ["{'n': 2}", '{"n":2}'],
  ["[size(event.data.user), 1]", "[3,1]"],
  ["event.data.missing", "null"],
])("the key %s counts as %s", (source, key) => {
  expect(keyOf(source, event)).toBe(key);
});
