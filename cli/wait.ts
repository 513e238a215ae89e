import { setTimeout as sleep } from "node:timers/promises";
import { EXIT, Failure } from "./exit.ts";
import { complain } from "./output.ts";

/**
 * Looks until `look` finds something, ever less often up to once a second; null when `seconds` are over before that. A server
 * that does not answer meanwhile is told of and asked again: what was sent to it before is there all the same.
 */
export async function lookUntil<T>(
  seconds: number,
  look: () => Promise<T | null>,
): Promise<T | null> {
  const end = performance.now() + seconds * 1000;
  let told = false;
  for (let pause = 100; ; pause = Math.min(pause * 1.5, 1000)) {
    const found = await look().catch((error: unknown) => {
      if (!(error instanceof Failure) || error.exit !== EXIT.unreachable) throw error;
      if (!told) complain(`${error.message} Still looking.`);
      told = true;
      return null;
    });
    if (found !== null) return found;
    if (performance.now() + pause > end) return null;
    await sleep(pause);
  }
}
