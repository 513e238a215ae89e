import { writeExtractive } from "./extractive.ts";
import type { Caller, WriteRequest, Written } from "./port.ts";
import { modelTarget } from "./target.ts";

/**
 * Writes an answer or a section from passages: the one place that chooses who does. With MODEL in the environment a
 * language model, otherwise nobody: the best sentences of the passages are taken as they are. Every quote that comes back
 * stands in its passage, and a statement without one is left out. Without passages nobody is asked.
 * @param skills asked only when there is a model, which alone can read any
 * Throws what writeWithModel does; all of it says whether doing it again can help.
 */
export async function write(
  request: WriteRequest,
  caller: Caller,
  skills?: () => Promise<Pick<WriteRequest, "skills" | "loadSkill">>,
): Promise<Written> {
  // Without a source no quote can stand: a model is paid for nothing, and one that makes quotes up fails each time.
  const target = request.passages.length === 0 ? null : modelTarget();
  if (target === null) return writeExtractive(request);
  // Loaded late: with it come the AI SDK and the vocabulary of tokens.
  const { writeWithModel } = await import("./language-model.ts");
  return await writeWithModel({ ...request, ...(await skills?.()) }, caller, target);
}
