import { writeExtractive } from "./extractive.ts";
import type { Caller, WriteRequest, Written } from "./port.ts";

/**
 * Writes an answer or a section from passages: the one place that chooses who does. With MODEL in the environment a
 * language model, otherwise nobody: the best sentences of the passages are taken as they are. Nothing is left of a
 * statement whose quotes do not stand in the passages.
 */
export async function write(request: WriteRequest, _caller: Caller): Promise<Written> {
  return writeExtractive(request);
}
