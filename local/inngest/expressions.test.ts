import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile, type Json } from "./expressions.ts";

function matches(source: string, event: Json, async?: Json): boolean {
  const expression = compile(source);
  // As a stored wait does it: through JSON.
  const captured = JSON.parse(JSON.stringify(expression.capture(event))) as unknown[];
  return expression.matches(captured, async);
}

const event = {
  name: "a/b",
  ts: 1_700_000_000_000,
  data: { n: 5, word: "ABC", list: [1, "two", { id: 3 }], nested: { deep: true }, nothing: null },
};

describe("what the official server answers", () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ["event.data.missing == null", true],
    ["event.data.missing != 'x'", true],
    ["event.data.missing.deeper.still == null", true],
    ["event.data.word.deeper == null", true],
    ["event.data.nothing == null", true],
    ["event.data.n == 5", true],
    ["event.data.n == '5'", false],
    ["event.data.n > 4.5", true],
    ["event.data.n >= 5 && event.data.n < 6", true],
    ["event.data.n + 1 == 6", false],
    ["event.data.missing > 1", false],
    ["'ABC' > 5", false],
    ["has(event.data.n)", true],
    ["has(event.data.missing)", false],
    ["!has(event.data.missing)", false],
    ["has(event.data.missing) || event.data.n == 5", true],
    ["event.data.word.startsWith('A')", true],
    ["event.data.missing.startsWith('A')", false],
    ["event.data.word in ['ABC', 'DEF']", true],
    ["event.data['word'] == 'ABC' && event.data.list[1] == 'two'", true],
    ["event.data.list[7] == null", true],
    ["event.data.list[2].id == 3", true],
    ["event.data.list.exists(x, x == 'two')", true],
    ["event.data.list.exists(x, x.id == event.data.n)", false],
    ["(event.data).nested.deep", true],
    ["event.data.n", false],
    ["lowercase(event.data.word) == 'abc' && uppercase('x') == 'X'", true],
    ["b64decode('aGk=') == 'hi'", true],
    ["json_parse('{\"a\": [1.5]}').a[0] == 1.5", true],
    ["date('2024-01-01') < now() && date(event.ts) < now_plus('1h')", true],
    ["now_minus('2d') < now_minus('1m')", true],
    ["date('no date') < now()", false],
    ["event.data.constructor == null && event.data.__proto__ == null", true],
  ];
  test.each(cases)("%s is %s", (source, expected) => {
    expect(matches(source, event)).toBe(expected);
  });
});

test("both events are read", () => {
  expect(matches("event.data.n == async.data.n", event, { data: { n: 5 } })).toBe(true);
  expect(matches("event.data.n == async.data.n", event, { data: {} })).toBe(false);
  expect(matches("event.data.missing == async.data.missing", event, { data: {} })).toBe(true);
});

test("what is not CEL is refused with its reason", () => {
  for (const source of [
    "",
    "event.data.n ==",
    "nosuch(event.data.n) == 1 &&",
    "'open",
    "x".repeat(5000),
  ]) {
    expect(() => compile(source)).toThrow(/not a valid expression|at most/);
  }
});

test("an equality that every match needs is found for the index", () => {
  const key = (source: string) => {
    const expression = compile(source);
    return expression.indexKey(expression.capture(event));
  };
  expect(key("event.data.word == async.data.word")).toEqual({
    path: '["data","word"]',
    value: '"ABC"',
  });
  expect(key("event.data.n > 1 && async.data.id == 'x'")).toEqual({
    path: '["data","id"]',
    value: '"x"',
  });
  expect(key("event.data.word == async.data.word || true")).toBeUndefined();
  expect(key("async.data.n == 5")).toEqual({ path: '["data","n"]', value: "5" });
  // Null also equals what is missing.
  expect(key("event.data.missing == async.data.n")).toBeUndefined();
  expect(key("event.data.word != async.data.word")).toBeUndefined();
});

const name = fc
  .stringMatching(/^[a-z]{1,4}$/)
  .filter((text) => !["in", "as", "null", "true"].includes(text));
const scalar = fc.oneof(
  fc.stringMatching(/^[a-z ]{0,5}$/),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);

test("a place reads as the value there, or as null", () => {
  fc.assert(
    fc.property(
      fc.dictionary(name, scalar),
      fc.array(name, { minLength: 1, maxLength: 3 }),
      (data, path) => {
        const [first = "", ...deeper] = path;
        const value = deeper.length === 0 ? (data[first] ?? null) : null;
        const expression = compile(`event.data.${path.join(".")}`);
        expect(expression.evaluate(expression.capture({ data }))).toEqual(value);
      },
    ),
  );
});

test("the index never hides a match", () => {
  fc.assert(
    fc.property(scalar, scalar, scalar, (own, other, extra) => {
      const source = "event.data.a == async.data.a && async.data.b != 'never'";
      const expression = compile(source);
      const captured = expression.capture({ data: { a: own } });
      const key = expression.indexKey(captured);
      const arriving = { data: { a: other, b: extra } };
      if (expression.matches(captured, arriving) && key) {
        expect(JSON.stringify(other)).toBe(key.value);
      }
    }),
  );
});

test("no input makes matching throw", () => {
  fc.assert(
    fc.property(fc.string(), fc.jsonValue(), (source, data) => {
      let expression: ReturnType<typeof compile>;
      try {
        expression = compile(source);
      } catch (error) {
        expect((error as Error).name).toBe("InvalidInput");
        return;
      }
      expect(typeof expression.matches(expression.capture({ data }), { data })).toBe("boolean");
    }),
  );
});
