import { compile } from "../expressions.ts";
import type { InngestEvent } from "../store/events.ts";

/** What an expression over the triggering event comes to; undefined where it fails on this event. */
export function resultOn(source: string, event: InngestEvent): unknown {
  const expression = compile(source);
  try {
    return expression.evaluate(expression.capture(event));
  } catch {
    return undefined; // no overload for these values: the same as a missing value
  }
}

/** The key under which an event counts, as text. Without an expression all events count together. */
export function keyOf(source: string | undefined, event: InngestEvent): string {
  if (source === undefined) return "";
  // CEL's integers, which JSON does not know, may stand in a list or a map.
  return JSON.stringify(resultOn(source, event) ?? null, (_, value: unknown) =>
    typeof value === "bigint" ? Number(value) : value,
  );
}

/** Production's way to exempt an event from a limit: its key expression comes to false. */
export function isExempt(source: string | undefined, event: InngestEvent): boolean {
  return source !== undefined && resultOn(source, event) === false;
}
