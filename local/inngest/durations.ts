import { InvalidInput } from "#lib/errors.ts";
import { limits } from "./limits.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/**
 * Milliseconds of a time string such as `1d2h` or `30s`; the empty string is 0, as the SDK writes zero.
 * @throws InvalidInput when it is not a duration.
 */
export function parseDuration(text: string): number {
  if (text === "") return 0;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) {
    throw new InvalidInput(
      "bad_duration",
      `"${text.slice(0, 50)}" is not a duration such as 1h30m`,
    );
  }
  let total = 0;
  for (const [, amount = "0", unit = "s"] of text.matchAll(/([\d.]+)(ms|s|m|h|d|w)/g)) {
    total += Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  return Math.round(total);
}

/**
 * When something that starts `now` is due, from a duration or an ISO date; both in milliseconds since the epoch.
 * @throws InvalidInput when it is neither, or further away than production allows.
 */
export function dueTime(text: string, now: number): number {
  const date = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  const due = Number.isNaN(date) ? now + parseDuration(text) : date;
  if (due - now > limits.waitMs) {
    throw new InvalidInput("wait_too_long", `"${text.slice(0, 50)}" is more than 366 days away`);
  }
  return due;
}
