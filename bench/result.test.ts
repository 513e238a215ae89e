import { expect, test } from "vitest";
import { lessIsBetter, median, moreIsBetter, quantile } from "./result.ts";

test("a figure is held against its bar and its peer", () => {
  const speed = { what: "speed", value: 12.345, unit: "MB/s", peer: 4 };
  expect(moreIsBetter({ ...speed, bar: 10, times: 3 })).toEqual({
    what: "speed",
    value: 12.3,
    unit: "MB/s",
    peer: 4,
    ratio: 3.09,
    bar: "at least 10 MB/s, 3 x peer",
    ok: true,
  });
  expect(moreIsBetter({ ...speed, bar: 13 }).ok).toBe(false);
  expect(moreIsBetter({ ...speed, times: 3.5 }).ok).toBe(false);
});

test("where less is better the ratio still says how many times better", () => {
  const time = { what: "time", value: 50, unit: "ms", peer: 100 };
  expect(lessIsBetter({ ...time, bar: 50, times: 2 })).toMatchObject({ ratio: 2, ok: true });
  expect(lessIsBetter({ ...time, bar: 49 }).ok).toBe(false);
});

test("a figure without bar and peer is for information", () => {
  const result = lessIsBetter({ what: "time", value: 50, unit: "ms" });
  expect(result).toMatchObject({ peer: null, ratio: null, bar: null, ok: true });
});

test("quantiles by the nearest rank", () => {
  const figures = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(quantile(figures, 0.95)).toBe(95);
  expect(median([3, 1, 2])).toBe(2);
  expect(() => median([])).toThrow(RangeError);
});
