import { setTimeout as sleep } from "node:timers/promises";

/** Looks until `look` finds something, ever less often up to once a second; null when `seconds` are over before that. */
export async function lookUntil<T>(
  seconds: number,
  look: () => Promise<T | null>,
): Promise<T | null> {
  const end = performance.now() + seconds * 1000;
  for (let pause = 100; ; pause = Math.min(pause * 1.5, 1000)) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() + pause > end) return null;
    await sleep(pause);
  }
}
