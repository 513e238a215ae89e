import { expect, it } from "vitest";
import { within } from "./deadline.ts";

it("gives back what the work gives in time, and its error", async () => {
  expect(await within(1000, async () => 1)).toBe(1);
  await expect(within(1000, () => Promise.reject(new TypeError("x")))).rejects.toThrow(TypeError);
});

it("rejects when the time is over and tells the work", async () => {
  let told: AbortSignal | undefined;
  const never = within(20, (signal) => {
    told = signal;
    return new Promise(() => {});
  });
  await expect(never).rejects.toThrow("no answer within 20 ms");
  expect(told?.aborted).toBe(true);
});
