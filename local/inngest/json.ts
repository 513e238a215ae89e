import { InvalidInput } from "#lib/errors.ts";
import { limits } from "./limits.ts";

/**
 * Reads JSON from outside. What is nested deeper than can be written again is refused here, since what failed on it later
 * would fail again and again.
 * @throws SyntaxError when it is not JSON, InvalidInput when it is nested too deep.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // Each level takes two characters at least.
  if (text.length > 2 * limits.jsonDepth && isDeeper(value, limits.jsonDepth)) {
    throw new InvalidInput("too_deep", `JSON may be at most ${limits.jsonDepth} levels deep`);
  }
  return value;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const inner of Object.values(value)) if (isDeeper(inner, levels - 1)) return true;
  return false;
}
