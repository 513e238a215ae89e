import type { wrapLanguageModel } from "ai";
import * as z from "zod";
import type { Conversation } from "./agent-conversation.ts";
import { openModel, shape } from "./language-model.ts";
import { MAX_OUTPUT_TOKENS } from "./limits.ts";
import type { Caller } from "./port.ts";
import type { Target } from "./target.ts";

type Request = Parameters<ReturnType<typeof wrapLanguageModel>["doGenerate"]>[0];
type Prompt = Request["prompt"];

/** A tool as a model is told of it. Whoever asks carries the call out, and parses what comes. */
export interface AgentTool {
  readonly name: string;
  readonly description: string;
  readonly input: z.ZodType;
}

/** What a model said and asked for: names and arguments are its own, unchecked. */
export interface AgentAnswer {
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly input: string }[];
  /** Input and output, as the server says; 0 when it does not. */
  readonly tokens: number;
}

const GO_ON = "Go on with your tools, or call finish.";

/**
 * Asks a model once how it goes on; nothing is carried out. Throws InvalidInput (`model_rejected`, `model_refused`), Conflict
 * (`budget_…`), Later (`model_busy`), Unavailable (`model_timeout`, `model_unavailable`).
 */
export async function askAgent(
  question: { system: string; conversation: Conversation; tools: readonly AgentTool[] },
  caller: Caller,
  target: Target,
): Promise<AgentAnswer> {
  // Whatever it says has an answer: a tool's result, or the request to go on.
  const model = await openModel(caller, target, () => undefined);
  const { content, usage } = await model.doGenerate({
    prompt: promptOf(question),
    tools: question.tools.map(({ name, description, input }) => {
      return { type: "function", name, description, inputSchema: shape(input) };
    }),
    toolChoice: { type: "auto" },
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    abortSignal: AbortSignal.timeout(target.timeoutMs),
  });
  const text = content.flatMap((part) => (part.type === "text" ? part.text : [])).join("");
  const calls = content.flatMap((part) =>
    part.type === "tool-call" ? { name: part.toolName, input: part.input } : [],
  );
  const { inputTokens, outputTokens } = usage;
  return { text, calls, tokens: (inputTokens.total ?? 0) + (outputTokens.total ?? 0) };
}

function promptOf({ system, conversation }: { system: string; conversation: Conversation }) {
  const user = (text: string): Prompt[number] => {
    return { role: "user", content: [{ type: "text", text }] };
  };
  const turns = conversation.turns.flatMap(({ text, calls }): Prompt => {
    if (calls.length === 0) {
      const said = { type: "text" as const, text: text || "(nothing)" };
      return [{ role: "assistant", content: [said] }, user(GO_ON)];
    }
    const asked = calls.map(({ id, name, input }) => {
      const call = { type: "tool-call" as const, toolCallId: id, toolName: name };
      return { ...call, input: objectIn(input) ?? {} };
    });
    const results = calls.map(({ id, name, result }) => {
      const output = { type: "text" as const, value: result };
      return { type: "tool-result" as const, toolCallId: id, toolName: name, output };
    });
    const said = text === "" ? [] : [{ type: "text" as const, text }];
    return [
      { role: "assistant", content: [...said, ...asked] },
      { role: "tool", content: results },
    ];
  });
  return [{ role: "system" as const, content: system }, user(conversation.task), ...turns];
}

const object = z.record(z.string(), z.unknown());

/** The JSON object that a model gave as arguments; null when it is none. */
export function objectIn(input: string): Record<string, unknown> | null {
  try {
    // Some send nothing at all where a tool takes nothing.
    return object.safeParse(JSON.parse(input || "{}")).data ?? null;
  } catch {
    return null;
  }
}
