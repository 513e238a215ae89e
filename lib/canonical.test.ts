import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, sha256 } from "./canonical.ts";

/** The same value with every object's keys inserted in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

const json = fc.jsonValue({ noUnicodeString: false }).filter((value) => isWellFormed(value));

function isWellFormed(value: unknown): boolean {
  return (
    !/[\ud800-\udfff]/u.test(JSON.stringify(value)) && !/\\ud[89a-f]/i.test(JSON.stringify(value))
  );
}

test("key order does not matter and nothing is lost", () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(reversed(value))).toBe(text);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("the example of RFC 8785, section 3.2.2", () => {
  const value = {
    numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 1e-27],
    string: '€$\u000f\nA\'B"\\\\"/',
    literals: [null, true, false],
  };
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test.each([[Number.NaN], [Number.POSITIVE_INFINITY], ["\ud800"], [undefined]])(
  "refuses %s",
  (value) => {
    expect(() => canonicalJson(value)).toThrow();
  },
);

test("sha256 of the empty string", () => {
  expect(sha256("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});
