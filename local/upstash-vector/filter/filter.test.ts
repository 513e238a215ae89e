import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Filter, FilterError, type Literal, type Step } from "./ast.ts";
import { compileFilter } from "./evaluate.ts";
import { globMatcher } from "./glob.ts";
import { parseFilter } from "./parse.ts";
import { printFilter } from "./print.ts";

/** The document of Upstash's page on metadata filtering. */
const city = {
  city: "Istanbul",
  country: "Turkey",
  is_capital: false,
  population: 15460000,
  geography: { continent: "Asia", coordinates: { latitude: 41.0082, longitude: 28.9784 } },
  economy: { currency: "TRY", major_industries: ["Tourism", "Textiles", "Finance"] },
  note: null,
};

const matches = (filter: string, metadata: unknown = city) =>
  compileFilter(parseFilter(filter))(metadata);

describe("the filters of Upstash's documentation", () => {
  test.each([
    "country = 'Turkey' AND population = 15460000 AND is_capital = false",
    "country != 'Germany' AND population != 12500000 AND is_capital != true",
    "population < 20000000 OR geography.coordinates.longitude < 30.0",
    "population <= 20000000 OR geography.coordinates.longitude <= 30.0",
    "population > 10000000 OR geography.coordinates.latitude > 39.5",
    "population >= 10000000 OR geography.coordinates.latitude >= 39.5",
    "city GLOB '?[sz]*[^m-z]'",
    "city NOT GLOB 'A*'",
    "country IN ('Germany', 'Turkey', 'France')",
    "economy.currency NOT IN ('USD', 'EUR')",
    "economy.major_industries CONTAINS 'Tourism'",
    "economy.major_industries NOT CONTAINS 'Steel Production'",
    "HAS FIELD geography.coordinates",
    "HAS NOT FIELD geography.coordinates.height",
    "country = 'Turkey' AND (population > 10000000 OR is_capital = false)",
    "economy.currency != 'USD' AND geography.coordinates.latitude >= 35.0",
    "economy.major_industries[0] = 'Tourism'",
    "economy.major_industries[#-1] = 'Finance'",
    'has field city and country glob "T*" and not_there = 1 or is_capital = 0',
  ])("%s", (filter) => {
    expect(matches(filter)).toBe(true);
  });

  test("AND binds closer than OR", () => {
    expect(matches("city = 'Ankara' AND population > 1 OR is_capital = false")).toBe(true);
    expect(matches("city = 'Ankara' AND (population > 1 OR is_capital = false)")).toBe(false);
  });

  test("a value of another type, null or a missing field satisfies no condition, also not a negated one", () => {
    for (const field of ["missing", "note", "geography"]) {
      for (const condition of [
        "= 1",
        "!= 1",
        "NOT IN (1)",
        "NOT GLOB 'x'",
        "NOT CONTAINS 'x'",
        "< 1",
      ]) {
        expect(matches(`${field} ${condition}`)).toBe(false);
      }
    }
    expect(matches("HAS FIELD note AND HAS NOT FIELD missing")).toBe(true);
    expect(matches("HAS FIELD toString", {})).toBe(false);
    expect(matches("HAS NOT FIELD a", undefined)).toBe(true);
    expect(matches("city = 1")).toBe(false);
    expect(matches("city != 1")).toBe(true);
  });

  test("a quote in a string is written twice or goes in the other kind of quotes", () => {
    expect(matches("name = 'O''Hara'", { name: "O'Hara" })).toBe(true);
    expect(matches(`name = "O'Hara"`, { name: "O'Hara" })).toBe(true);
  });
});

test.each([
  ["", 0],
  ["a = ", 4],
  ["a = 'x", 4],
  ["a == 1", 3],
  ["a b", 2],
  ["1 = a", 0],
  ["a = 1 b = 2", 6],
  ["(a = 1", 6],
  ["a IN ()", 6],
  ["a IN (1,)", 8],
  ["a NOT = 1", 6],
  ["a < 'x'", 4],
  ["a..b = 1", 1],
  ["a[] = 1", 1],
  ["a[#1] = 1", 1],
  ["a GLOB '[x'", 7],
  ["a GLOB 1", 7],
  ["a = 1e999", 4],
  ["a = ä", 4],
  ["HAS NOT a = 1", 8],
  [`${"(".repeat(70)}a = 1${")".repeat(70)}`, 65],
])("%s is refused at %i", (filter, position) => {
  let error: unknown;
  try {
    parseFilter(filter);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(FilterError);
  expect(error).toMatchObject({ position });
});

const keys = ["a", "b", "_c1", "has", "not", "in", "AND", "d-e"];
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ key: fc.constantFrom(...keys) }),
  fc.record({ index: fc.nat(3) }),
  fc.record({ fromEnd: fc.nat(3) }),
);
const path = fc
  .tuple(fc.record({ key: fc.constantFrom(...keys) }), fc.array(step, { maxLength: 2 }))
  .map(([first, rest]): Step[] => [first, ...rest]);
const words = ["x", "it's", 'say "hi"', "中文", ""];
const literal: fc.Arbitrary<Literal> = fc.oneof(
  fc.constantFrom(...words, 0, 1, 2),
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
);
const number = fc.oneof(fc.constantFrom(0, 1, 2), fc.integer());
const condition: fc.Arbitrary<Filter> = fc.oneof(
  fc.record({
    op: fc.constant("compare" as const),
    path,
    comparison: fc.constantFrom("=" as const, "!=" as const),
    value: literal,
  }),
  fc.record({
    op: fc.constant("compare" as const),
    path,
    comparison: fc.constantFrom("<" as const, "<=" as const, ">" as const, ">=" as const),
    value: number,
  }),
  fc.record({
    op: fc.constantFrom("in" as const, "not in" as const),
    path,
    values: fc.array(literal, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    op: fc.constantFrom("glob" as const, "not glob" as const),
    path,
    pattern: fc.constantFrom("*", "?", "x*", "[a-z]", "[^x]*", "it's"),
  }),
  fc.record({
    op: fc.constantFrom("contains" as const, "not contains" as const),
    path,
    value: literal,
  }),
  fc.record({ op: fc.constantFrom("has field" as const, "has not field" as const), path }),
);
const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    condition,
    fc
      .tuple(
        fc.constantFrom("and" as const, "or" as const),
        tie("filter"),
        tie("filter"),
        fc.array(tie("filter"), { maxLength: 2 }),
      )
      .map(([op, a, b, rest]): Filter => ({ op, operands: [a, b, ...rest] })),
  ),
}));
const metadata = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false, 0, 1, 2, ...words),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 4 }),
  ),
})).value;

test("what is printed parses back to the same filter", () => {
  fc.assert(
    fc.property(filter, (ast) => {
      expect(parseFilter(printFilter(ast))).toEqual(ast);
    }),
  );
});

test("evaluation agrees with a reading of the rules one condition at a time", () => {
  fc.assert(
    fc.property(filter, metadata, (ast, value) => {
      return compileFilter(ast)(value) === oracle(ast, value);
    }),
    { numRuns: 1_000 },
  );
});

test("any text either parses or is refused with a FilterError whose position lies in it", () => {
  const pieces = fc.constantFrom(
    "a",
    "a.b[0]",
    "=",
    "!=",
    "<",
    "(",
    ")",
    ",",
    "'x'",
    "'",
    "1",
    "IN",
    "NOT",
    "GLOB",
    "CONTAINS",
    "HAS",
    "FIELD",
    "AND",
    "OR",
    "[",
    " ",
    "\0",
    "ä",
    "\ud800",
    "😀",
  );
  const garbage = fc.oneof(
    fc.string(),
    fc.array(pieces).map((all) => all.join(" ")),
  );
  fc.assert(
    fc.property(garbage, (text) => {
      try {
        parseFilter(text);
      } catch (error) {
        if (!(error instanceof FilterError)) throw error;
        return error.position >= 0 && error.position <= text.length;
      }
      return true;
    }),
    { numRuns: 2_000 },
  );
});

test("a glob agrees with the regular expression it stands for, and stays fast where that would not", () => {
  const part = fc.constantFrom("*", "?", "a", "b", ".", "[ab]", "[^a]", "[a-c]", "[]a]");
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 6 }),
      fc.stringMatching(/^[abcd.\]]{0,8}$/),
      (parts, text) => {
        const source = parts.map((each) => {
          if (each === "*") return ".*";
          if (each === "?") return ".";
          return each === "[]a]" ? "[\\]a]" : each.length > 1 ? each : `[${each}]`;
        });
        expect(globMatcher(parts.join(""))(text)).toBe(
          new RegExp(`^${source.join("")}$`, "s").test(text),
        );
      },
    ),
  );
  const started = performance.now();
  expect(globMatcher("*a".repeat(50))("a".repeat(20_000).concat("b"))).toBe(false);
  expect(performance.now() - started).toBeLessThan(1_000);
});

/** The rules, written without the compiler: one value, one condition. */
function oracle(ast: Filter, document: unknown): boolean {
  if ("operands" in ast) {
    const held = ast.operands.filter((each) => oracle(each, document)).length;
    return ast.op === "and" ? held === ast.operands.length : held > 0;
  }
  const found = ast.path.reduce<unknown>((value, each) => {
    if (Array.isArray(value)) {
      if ("index" in each) return value.at(each.index);
      return "fromEnd" in each && each.fromEnd > 0 ? value.at(-each.fromEnd) : undefined;
    }
    if (value === null || typeof value !== "object" || !("key" in each)) return undefined;
    return new Map(Object.entries(value)).get(each.key);
  }, document);
  const plain = typeof found === "boolean" ? Number(found) : found;
  const isScalar = typeof plain === "string" || typeof plain === "number";
  switch (ast.op) {
    case "has field":
      return found !== undefined;
    case "has not field":
      return found === undefined;
    case "compare": {
      if (ast.comparison === "=") return isScalar && plain === ast.value;
      if (ast.comparison === "!=") return isScalar && plain !== ast.value;
      if (typeof found !== "number" || typeof ast.value !== "number") return false;
      const order = Math.sign(found - ast.value);
      return { "<": [-1], "<=": [-1, 0], ">": [1], ">=": [1, 0] }[ast.comparison].includes(order);
    }
    case "in":
      return isScalar && ast.values.some((value) => value === plain);
    case "not in":
      return isScalar && ast.values.every((value) => value !== plain);
    case "contains":
    case "not contains": {
      if (!Array.isArray(found)) return false;
      const has = found.some(
        (item) => (typeof item === "boolean" ? Number(item) : item) === ast.value,
      );
      return has === (ast.op === "contains");
    }
    case "glob":
    case "not glob": {
      if (typeof found !== "string") return false;
      const expressions: Record<string, RegExp> = {
        "*": /^.*$/su,
        "?": /^.$/su,
        "x*": /^x.*$/su,
        "[a-z]": /^[a-z]$/u,
        "[^x]*": /^[^x].*$/su,
        "it's": /^it's$/,
      };
      return (expressions[ast.pattern]?.test(found) ?? false) === (ast.op === "glob");
    }
  }
}
