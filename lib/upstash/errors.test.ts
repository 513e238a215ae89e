import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CountersignError, Later } from "../errors.ts";
import { answerError, unreachable } from "./errors.ts";

const KEY = "01234567-89ab-cdef-0123-456789abcdef";
const TOKEN = "token of one database, which the environment does not know";

beforeEach(() => {
  vi.stubEnv("UPSTASH_API_KEY", KEY);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const withSecrets = fc
  .tuple(fc.string({ maxLength: 1500 }), fc.string({ maxLength: 600 }))
  .map(([before, after]) => `${before} ${KEY} ${after} ${TOKEN}`);
const text = fc.oneof(
  withSecrets,
  withSecrets.map((error) => JSON.stringify({ error })),
  withSecrets.map((message) => JSON.stringify({ message })),
  fc.json(),
  fc.string(),
);
const answer = (status: number, said: string, headers: Record<string, string> = {}) =>
  answerError("read it", {
    ...{ status, text: said, headers: new Headers(headers), secrets: [TOKEN] },
  });

test("whatever the answer is, the error has a class for its status, a bounded message and no secret", () => {
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 599 }), text, (status, said) => {
      const error = answer(status, said);
      expect(error).toBeInstanceOf(CountersignError);
      expect(error).toMatchObject({ retry: status >= 500 || status === 429 });
      expect(error.message).toMatch(/^Upstash did not read it: \d{3} /);
      expect(error.message.length).toBeLessThan(600);
      for (const secret of [KEY, TOKEN]) expect(error.message).not.toContain(secret);
    }),
  );
});

test("how long to wait is between a second and an hour, whatever the header says", () => {
  fc.assert(
    fc.property(fc.oneof(fc.integer(), fc.double()).map(String), (after) => {
      const error = answer(429, "", { "retry-after": after }) as Later;
      expect(error).toBeInstanceOf(Later);
      expect(error.afterMs).toBeGreaterThanOrEqual(1000);
      expect(error.afterMs).toBeLessThanOrEqual(3_600_000);
    }),
  );
  expect(answer(429, "", { "retry-after": "7" })).toMatchObject({ afterMs: 7000 });
});

test("what a text under error or message says is what is told, and no answer leaves open what was done", () => {
  expect(answer(400, '{"error":"name is taken"}').message).toMatch(/: 400 name is taken$/);
  expect(answer(400, '{"message":"no"}').message).toMatch(/: 400 no$/);
  expect(answer(502, "<html>bad gateway</html>").message).toMatch(/bad gateway/);
  const error = unreachable("read it", new TypeError("fetch failed", { cause: TOKEN }), [TOKEN]);
  expect(error).toMatchObject({ code: "upstash_unreachable", retry: true });
  expect(error.message).toContain("fetch failed");
  expect(error.message).not.toContain(TOKEN);
});
