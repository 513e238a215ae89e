import fc from "fast-check";
import { expect, test } from "vitest";
import { ID_PREFIXES, type IdKind, idSchema, isId, newId } from "./ids.ts";

const kinds = Object.keys(ID_PREFIXES) as IdKind[];

test("every kind has a prefix of its own, and its ids are of that kind alone", () => {
  expect(new Set(Object.values(ID_PREFIXES)).size).toBe(kinds.length);
  for (const kind of kinds) {
    const id = newId(kind);
    expect(kinds.filter((other) => isId(other, id))).toEqual([kind]);
    expect(idSchema(kind).parse(id)).toBe(id);
  }
});

test("ids made later sort later, and none comes twice", () => {
  const ids = Array.from({ length: 2_000 }, () => newId("run"));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual([...ids].sort());
});

test("anything else is no id", () => {
  for (const text of [
    "",
    "proj",
    "proj_",
    "proj_0",
    `proj_${"z".repeat(26)}`,
    newId("project").toUpperCase(),
  ]) {
    expect(isId("project", text)).toBe(false);
  }
  fc.assert(
    fc.property(fc.string({ maxLength: 40 }), (text) => {
      expect(isId("project", text)).toBe(false);
      expect(idSchema("project").safeParse(text).success).toBe(false);
    }),
  );
});
