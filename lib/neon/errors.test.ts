import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CountersignError, Later } from "../errors.ts";
import { neonError } from "./errors.ts";

const KEY = "napi_0123456789abcdef0123456789abcdef";

beforeEach(() => {
  vi.stubEnv("NEON_API_KEY", KEY);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** What the client throws for an answer. */
function answer(status: number, data: unknown, headers: object = {}): Error {
  const config = { headers: { authorization: `Bearer ${KEY}` } };
  return Object.assign(new Error(`status ${status}`), {
    ...{ config, response: { status, data, headers, config } },
  });
}

const withKey = fc
  .tuple(fc.string({ maxLength: 1500 }), fc.string({ maxLength: 600 }))
  .map(([before, after]) => `${before} ${KEY} ${after}`);
const body = fc.oneof(
  withKey,
  withKey.map((message) => ({ message })),
  withKey.map((message) => ({ code: message, more: [message] })),
  fc.constant(undefined),
  fc.anything(),
);

test("whatever the answer is, the error has a class for its status, a bounded message and no key", () => {
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 599 }), body, (status, data) => {
      const error = neonError("read the project x", answer(status, data));
      expect(error).toBeInstanceOf(CountersignError);
      expect(error).toMatchObject({ retry: status >= 500 || status === 423 || status === 429 });
      expect(error.message).toMatch(/^Neon did not read the project x: \d{3} /);
      expect(error.message.length).toBeLessThan(600);
      expect(JSON.stringify([error.message, error])).not.toContain(KEY);
      expect(error.cause).toBeUndefined();
    }),
  );
});

test("how long to wait is between a second and an hour, whatever the header says", () => {
  const header = fc.oneof(fc.anything(), fc.integer().map(String), fc.double().map(String));
  fc.assert(
    fc.property(header, (after) => {
      const error = neonError("ask", answer(429, "", { "retry-after": after }));
      expect(error).toBeInstanceOf(Later);
      expect((error as Later).afterMs).toBeGreaterThanOrEqual(1000);
      expect((error as Later).afterMs).toBeLessThanOrEqual(3_600_000);
    }),
  );
  const told = neonError("ask", answer(429, "", { "retry-after": "7" }));
  expect(told).toMatchObject({ afterMs: 7000 });
});

test("no answer says nothing of what was done; errors of ours stay as they are", () => {
  expect(neonError("ask", new Error("socket hang up"))).toMatchObject({
    code: "neon_unreachable",
    retry: true,
  });
  const own = new Later("x", "x", 1);
  expect(neonError("ask", own)).toBe(own);
});
