import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { setEnv } from "../../test/support/environment.ts";
import { secretValues, type Variable, variables } from "../env.ts";
import { longTables, shortTable, withTable } from "./environment-tables.ts";

const read = (name: string) =>
  readFile(fileURLToPath(new URL(`../../${name}`, import.meta.url)), "utf8");

const set: string[] = [];
afterEach(() => {
  for (const name of set.splice(0)) delete process.env[name];
});

test.each([
  ["README.md", shortTable],
  ["docs/environment.md", longTables],
])("%s says what lib/env.ts says: npm run env:table writes it", async (name, tables) => {
  const document = await read(name);
  expect(document).toBe(withTable(document, tables(variables())));
});

test("every variable that is read is described", async () => {
  const source = await read("lib/env.ts");
  const declared = [...source.matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name);
  expect(declared.length).toBeGreaterThan(40);
  expect(variables().map(({ name }) => name)).toEqual(declared);
  for (const { what, group } of variables()) expect([what, group]).not.toContain("");
});

/** Of the relay in front of Postgres. */
const OF_OTHERS = ["ALLOW_ADDR_REGEX", "LISTEN_PORT", "PROMETHEUS_BIND"];

test("docs/deploy.md names no variable that is not read", async () => {
  const named = (await read("docs/deploy.md")).matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g);
  const known = new Set<string>([...variables().map(({ name }) => name), ...OF_OTHERS]);
  const unknown = [...named].map(([name]) => name).filter((name) => !known.has(name));
  expect(unknown).toEqual([]);
});

test("what is said to be secret is redacted wherever it turns up, and nothing else is", async () => {
  for (const { name, secret } of variables()) {
    if (process.env[name] !== undefined) continue;
    const value = name === "DATABASE_URL" ? "postgres://u:kept-from-all@db/x" : `v-${name}`;
    set.push(name);
    await setEnv({ [name]: value });
    const hidden = secretValues().includes(value);
    expect([name, hidden]).toEqual([name, secret === true]);
  }
});

test("a table is put between the markers, as often as one likes", () => {
  const text = fc.string().filter((some) => !some.includes("<!-- env:table"));
  fc.assert(
    fc.property(text, text, text, text, (before, old, after, content) => {
      const document = `${before}<!-- env:table -->${old}<!-- env:table end -->${after}`;
      const once = withTable(document, content);
      expect(once).toContain(content);
      expect(once.startsWith(before) && once.endsWith(after)).toBe(true);
      expect(withTable(once, content)).toBe(once);
    }),
  );
});

test("no text of a description breaks the table", () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), (what, needed) => {
      const variable: Variable = { name: "PATH", group: "Some", what, needed };
      const lines = shortTable([variable]).split("\n");
      expect(lines).toHaveLength(3);
      expect(lines[2]?.match(/(?<!\\)\|/g)?.length).toBe(4);
    }),
  );
});

test.each([
  "nothing",
  "<!-- env:table end --><!-- env:table -->",
  "<!-- env:table --><!-- env:table --><!-- env:table end -->",
])("a document without its two markers is refused: %s", (document) => {
  expect(() => withTable(document, "table")).toThrow("once each");
});
