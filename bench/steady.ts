import { timed } from "./figures.ts";
import { median } from "./result.ts";

const WARM_UPS = 2;
const ROUNDS = 5;

/**
 * Milliseconds that `work` takes the first time in this process, and the middle of five times after it has warmed up, when
 * compilers have done what they will do.
 */
export async function steady(
  work: () => Promise<unknown>,
): Promise<{ firstMs: number; ms: number }> {
  const firstMs = await timed(work);
  for (let round = 1; round < WARM_UPS; round++) await work();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push(await timed(work));
  return { firstMs, ms: median(times) };
}
