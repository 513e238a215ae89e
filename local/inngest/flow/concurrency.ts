import type { FunctionConfig } from "../function-config.ts";
import type { Slot } from "../scheduler.ts";
import type { InngestEvent } from "../store/events.ts";
import { keyOf } from "./keys.ts";

type Limit = NonNullable<FunctionConfig["concurrency"]>[number];

/** The limits that a run which this event starts counts against. */
export function slotsOf(fn: FunctionConfig, event: InngestEvent): Slot[] {
  return (fn.concurrency ?? []).map((limit, i) => {
    const value = limit.key === undefined ? "" : keyOf(limit.key, event);
    return { key: scopeOf(fn, limit, i) + value, limit: limit.limit };
  });
}

/**
 * A run's limits as its function has them now, so that a changed one counts for runs that wait already. One that the
 * function no longer has stays as it was.
 */
export function currentSlots(fn: FunctionConfig | undefined, slots: readonly Slot[]): Slot[] {
  return slots.map(({ key, limit }) => {
    const current = fn?.concurrency?.find((one, i) => {
      const scope = scopeOf(fn, one, i);
      return one.key === undefined ? key === scope : key.startsWith(scope);
    });
    return { key, limit: current?.limit ?? limit };
  });
}

/** Scope `fn` counts within the function; `env` and `account` count everything with the same key together. */
function scopeOf(fn: FunctionConfig, { key, scope = "fn" }: Limit, index: number): string {
  const owner = scope === "fn" ? `fn:${fn.id}:${index}` : scope;
  return key === undefined ? owner : `${owner}:${key}:`;
}
