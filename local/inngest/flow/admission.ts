import { parseDuration } from "../durations.ts";
import type { Engine } from "../engine.ts";
import type { FunctionConfig } from "../function-config.ts";
import { type Arrival, begin, refuse, refuseRepeated } from "./begin.ts";
import { hold } from "./holds.ts";
import { isExempt, keyOf, resultOn } from "./keys.ts";

/** Production's burst of a rate limit: a tenth of it. */
const RATE_LIMIT_BURST = 0.1;

/**
 * What happens to an event that a function is triggered by: it is held for a batch or a debounce, refused by a limit,
 * or starts a run. The order is production's. Works inside a transaction of the caller.
 */
export function admit(engine: Engine, fn: FunctionConfig, arrival: Arrival): void {
  const { event } = arrival;
  if (refuseRepeated(engine, fn, arrival)) return;
  const { batchEvents, rateLimit, debounce } = fn;
  if (batchEvents && (!batchEvents.if || resultOn(batchEvents.if, event) === true)) {
    hold(engine, fn, "batch", arrival);
    return;
  }
  if (rateLimit && !isExempt(rateLimit.key, event)) {
    const rate = {
      limit: rateLimit.limit,
      periodMs: parseDuration(rateLimit.period),
      burst: Math.floor(rateLimit.limit * RATE_LIMIT_BURST),
    };
    const key = `rate:${fn.id}:${keyOf(rateLimit.key, event)}`;
    if (!engine.rates.take(key, rate, Date.now())) {
      refuse(engine, arrival, "invoked function is rate limited");
      return;
    }
  }
  if (debounce) hold(engine, fn, "debounce", arrival);
  else begin(engine, fn, [arrival]);
}
