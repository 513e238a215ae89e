import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Database } from "./database.ts";
import { Rates } from "./rates.ts";

let dir: string;
let db: Database;
let rates: Rates;
let keys = 0;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "inngest-rates-"));
  db = new Database(dir);
  rates = new Rates(db);
});
afterAll(() => {
  db.close();
  rmSync(dir, { recursive: true, force: true });
});

const rate = fc.record({
  limit: fc.integer({ min: 1, max: 20 }),
  periodMs: fc.integer({ min: 1000, max: 60_000 }),
  burst: fc.integer({ min: 0, max: 5 }),
});
const THIRDS = [502, 2369, 720, 1673, 2459, 1812];
/** Milliseconds between one attempt and the next. */
const gaps = fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 60 });

test("no period has more starts than its limit and the burst; rest makes room again", () => {
  fc.assert(
    fc.property(rate, gaps, (rate, gaps) => {
      const key = `take-${keys++}`;
      let now = 1_000_000;
      const taken: number[] = [];
      for (const gap of gaps) {
        now += gap;
        if (rates.take(key, rate, now)) taken.push(now);
      }
      expect(taken[0]).toBe(1_000_000 + (gaps[0] ?? 0));
      for (const from of taken) {
        const inPeriod = taken.filter((at) => at >= from && at < from + rate.periodMs);
        expect(inPeriod.length).toBeLessThanOrEqual(rate.limit + rate.burst + 1);
      }
      const rested = now + Math.ceil((rate.periodMs / rate.limit) * (rate.burst + 1));
      expect(rates.take(key, rate, rested)).toBe(true);
    }),
    // A third of a period is no binary fraction: added up, it was a hair too long.
    { numRuns: 50, examples: [[{ limit: 3, periodMs: 58_562, burst: 0 }, THIRDS]] },
  );
});

test("reserved starts come in order, at once while there is room and an interval apart after that", () => {
  fc.assert(
    fc.property(rate, fc.integer({ min: 1, max: 40 }), (rate, count) => {
      const key = `reserve-${keys++}`;
      const now = 1_000_000;
      const interval = rate.periodMs / rate.limit;
      const starts = Array.from({ length: count }, () => rates.reserve(key, rate, now));
      starts.forEach((at, i) => {
        const expected = now + Math.max(0, i - rate.burst) * interval;
        expect(Math.abs(at - expected)).toBeLessThanOrEqual(1);
      });
    }),
    { numRuns: 50 },
  );
});
