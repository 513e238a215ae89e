import type { LanguageModelMiddleware } from "ai";
import { bareJson } from "./answer.ts";

type Wrapped = Parameters<NonNullable<LanguageModelMiddleware["wrapGenerate"]>>[0];
type Stream = Awaited<ReturnType<Wrapped["doStream"]>>["stream"];
type Result = Awaited<ReturnType<Wrapped["doGenerate"]>>;

/** A streamed answer that came to its end. */
export interface Collected {
  readonly result: Result;
  /** What the model wrote, without what it thought. */
  readonly text: string;
  /** How many tools it called. */
  readonly calls: number;
}

/** What came of a stream so far, which may end before the answer does. */
export interface Heard {
  text: string;
}

/**
 * Reads a stream to its end. What the model thought stays in the result, since some servers want it back with the result of a
 * tool. Throws what the stream says is wrong; what was heard until then, thoughts too, is in `heard`.
 */
export async function collect(stream: Stream, heard: Heard): Promise<Collected> {
  const calls: Result["content"] = [];
  let text = "";
  let thought = "";
  let end: Pick<Result, "finishReason" | "usage"> | undefined;
  for await (const part of stream) {
    if (part.type === "text-delta" || part.type === "reasoning-delta") heard.text += part.delta;
    if (part.type === "text-delta") text += part.delta;
    else if (part.type === "reasoning-delta") thought += part.delta;
    else if (part.type === "tool-call") calls.push(part);
    else if (part.type === "finish") end = { finishReason: part.finishReason, usage: part.usage };
    else if (part.type === "error") throw part.error;
  }
  if (!end) throw new Error("The stream ended before the answer did.");
  const said = bareJson(text);
  const content: Result["content"] = [
    ...(thought === "" ? [] : [{ type: "reasoning" as const, text: thought }]),
    ...(said === "" ? [] : [{ type: "text" as const, text: said }]),
    ...calls,
  ];
  return { result: { ...end, content, warnings: [] }, text: said, calls: calls.length };
}
