import fc from "fast-check";
import { expect, test } from "vitest";
import { reconnectDelay, retryAfter, retryDelay } from "./backoff.ts";
import { dueTime, parseDuration } from "./durations.ts";
import { nextTick } from "./function-config.ts";
import { seededIds, ulid } from "./ids.ts";

const DAY = 86_400_000;

test("durations add up, and nothing else is one", () => {
  const units = { w: 7 * DAY, d: DAY, h: 3_600_000, m: 60_000, s: 1000 };
  fc.assert(
    fc.property(fc.array(fc.nat(50), { minLength: 5, maxLength: 5 }), (amounts) => {
      const entries = Object.entries(units);
      const text = entries.map(([unit], i) => `${amounts[i]}${unit}`).join("");
      const total = entries.reduce((sum, [, ms], i) => sum + ms * (amounts[i] ?? 0), 0);
      expect(parseDuration(text)).toBe(total);
    }),
  );
  expect(parseDuration("")).toBe(0);
  expect(parseDuration("250ms")).toBe(250);
  for (const text of ["1", "h", "1 h", "-1h", "1h later", "2030"]) {
    expect(() => parseDuration(text)).toThrow("not a duration");
  }
});

test("a due time is a duration from now or a date, at most 366 days away", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  expect(dueTime("1m", now)).toBe(now + 60_000);
  expect(dueTime("2030-01-02T00:00:00.000Z", now)).toBe(now + DAY);
  expect(dueTime("2029-01-01T00:00:00Z", now)).toBeLessThan(now);
  expect(() => dueTime("367d", now)).toThrow("366 days");
  expect(() => dueTime("2040-01-01", now)).toThrow("366 days");
});

test("attempts wait longer and longer, with jitter, and no longer than two hours", () => {
  for (const [attempt, seconds] of [
    [0, 15],
    [1, 30],
    [2, 60],
    [3, 120],
    [4, 300],
    [50, 7200],
  ] as const) {
    const delay = retryDelay(attempt, undefined);
    expect(delay).toBeGreaterThanOrEqual(seconds * 900);
    expect(delay).toBeLessThanOrEqual(seconds * 1100);
  }
  expect(retryDelay(3, 7)).toBe(7);
  expect([0, 1, 2, 3, 4, 1000].map(reconnectDelay)).toEqual([200, 400, 800, 1600, 2000, 2000]);
});

test("retry-after is clamped to a second and a day", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  expect(retryAfter("90", now)).toBe(90_000);
  expect(retryAfter("0", now)).toBe(1000);
  expect(retryAfter("9999999", now)).toBe(DAY);
  expect(retryAfter("2030-01-01T00:01:00.000Z", now)).toBe(60_000);
  expect(retryAfter("2020-01-01T00:00:00.000Z", now)).toBe(1000);
  expect(retryAfter("soon", now)).toBeUndefined();
  expect(retryAfter(undefined, now)).toBeUndefined();
});

test("crons know time zones", () => {
  const after = Date.parse("2030-06-01T00:00:00Z");
  expect(nextTick("0 9 * * *", after)).toBe(Date.parse("2030-06-01T09:00:00Z"));
  expect(nextTick("TZ=Europe/Berlin 0 9 * * *", after)).toBe(Date.parse("2030-06-01T07:00:00Z"));
  expect(nextTick("TZ=No/Where 0 9 * * *", after)).toBeUndefined();
  expect(nextTick("every day", after)).toBeUndefined();
});

test("ids sort by time, and a seed repeats them", () => {
  expect(ulid(1000) < ulid(2000)).toBe(true);
  // The example of the specification, and the largest entropy.
  expect(ulid(1_469_918_176_385, Buffer.alloc(10, 255))).toBe(`01ARYZ6S41${"Z".repeat(16)}`);
  expect(ulid()).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  const seed = `1700000000000,${Buffer.alloc(10, 255).toString("base64")}`;
  const [first, second] = [seededIds(seed), seededIds(seed)];
  expect([0, 1, 2].map(first)).toEqual([0, 1, 2].map(second));
  expect(new Set([0, 1, 2].map(first)).size).toBe(3);
  for (const unusable of [undefined, "", "1,AAAA", "x,AAAAAAAAAAAAAA==", "-5,AAAAAAAAAAAAAA=="]) {
    expect(seededIds(unusable)(0)).not.toBe(seededIds(unusable)(0));
  }
});
