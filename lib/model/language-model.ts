import type { JSONSchema7, LanguageModel, ModelMessage, wrapLanguageModel } from "ai";
import * as z from "zod";
import { type Answer, answerSchema, checkAnswer } from "./answer.ts";
import { Malformed } from "./failure.ts";
import { MAX_ANSWER_BYTES, MAX_OUTPUT_TOKENS, MAX_SKILLS, PROMPT_TOKENS } from "./limits.ts";
import { metered, type ProblemOf } from "./metered.ts";
import type { Caller, WriteRequest, Written } from "./port.ts";
import { buildPrompt, cut, type Prompt } from "./prompt.ts";
import { outputLimit, type Target } from "./target.ts";

/**
 * Lets a language model write. Quotes are checked here: those that come back stand in their passages. An answer that is not
 * in the form asked for, or has no true quote at all, is asked for once more. Throws InvalidInput (`model_rejected`,
 * `model_refused`, `model_prompt_too_long`), Conflict (`budget_…`), Later (`model_busy`), Unavailable (`model_timeout`,
 * `model_unavailable`, `model_malformed`).
 */
export async function writeWithModel(
  request: WriteRequest,
  caller: Caller,
  target: Target,
): Promise<Written> {
  const prompt = buildPrompt(request);
  const deadline = AbortSignal.timeout(target.timeoutMs);
  const model = await openModel(caller, target);
  const ask = async (messages: ModelMessage[]): Promise<Written> => {
    const answer = await generate(model, { prompt, messages, request, deadline });
    const written = checkAnswer(answer, { shown: prompt.shown, request, model: target.model });
    if (!answer.answered || written.answered) return written;
    const problem = "No quote stands in its source exactly as you gave it: copy quotes unchanged.";
    throw new Malformed(target.model, problem, JSON.stringify(answer));
  };
  const question: ModelMessage = { role: "user", content: prompt.user };
  try {
    return await ask([question]);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return await ask([
      question,
      { role: "assistant", content: cut(error.text, PROMPT_TOKENS.previous) || "(nothing)" },
      {
        role: "user",
        content: `That cannot be used. ${error.problem} Answer again, in that form.`,
      },
    ]);
  }
}

/**
 * A model whose every request is counted (metered.ts). The AI SDK is half a megabyte of code: who writes without a model never
 * loads it.
 * @param problemOf what is wrong with an answer, unless it has to be a writer's
 */
export async function openModel(
  caller: Caller,
  target: Target,
  problemOf?: ProblemOf,
): Promise<ReturnType<typeof wrapLanguageModel>> {
  const { wrapLanguageModel, createOpenAICompatible } = await import("./ai-sdk.ts");
  const provider = createOpenAICompatible({
    name: "model",
    baseURL: target.url,
    ...(target.apiKey !== undefined && { apiKey: target.apiKey }),
    includeUsage: true,
    supportsStructuredOutputs: true,
    fetch: boundedFetch,
    transformRequestBody: (body) => outputLimit(body, target.url),
  });
  return wrapLanguageModel({
    model: provider.chatModel(target.model),
    middleware: metered(caller, target, problemOf),
  });
}

const skillInput = z.object({ name: z.string() });

/** As JSON Schema, because the SDK has a zod of its own in the bundle; what comes back is then parsed by ours. */
export function shape(schema: z.ZodType): JSONSchema7 {
  // Some servers refuse keys that they do not know, and `$schema` says nothing to a model.
  const { $schema: _, ...shape } = z.toJSONSchema(schema, { target: "draft-7" });
  return shape as JSONSchema7;
}

interface Question {
  readonly prompt: Prompt;
  readonly messages: ModelMessage[];
  readonly request: WriteRequest;
  readonly deadline: AbortSignal;
}

async function generate(
  model: LanguageModel,
  { prompt, messages, request, deadline }: Question,
): Promise<Answer> {
  const { generateText, isStepCount, jsonSchema, Output } = await import("./ai-sdk.ts");
  const skills = await skillReader(request);
  const result = await generateText({
    model,
    instructions: prompt.system,
    messages,
    output: Output.object({ name: "answer", schema: jsonSchema(shape(answerSchema)) }),
    ...(prompt.skills && { tools: { load_skill: skills.tool }, toolCallConcurrency: 1 }),
    // The last request may not ask for another skill: it has to answer.
    stopWhen: [isStepCount(MAX_SKILLS + 1), () => skills.failure() !== undefined],
    prepareStep: ({ stepNumber }) => (stepNumber < MAX_SKILLS ? {} : { toolChoice: "none" }),
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    // Inngest repeats the step, and each attempt is counted.
    maxRetries: 0,
    abortSignal: deadline,
  });
  const failure = skills.failure();
  if (failure) throw failure.cause;
  return answerSchema.parse(result.output);
}

/** The only tool, which reads a guide and changes nothing anywhere; and why it could not, which is no affair of the model's. */
async function skillReader({ loadSkill }: WriteRequest) {
  const { jsonSchema, tool } = await import("./ai-sdk.ts");
  let loaded = 0;
  let failure: { readonly cause: unknown } | undefined;
  const read = async (name: string) => {
    if (++loaded > MAX_SKILLS) return "No more guides can be read: answer with what you have.";
    const body = await loadSkill?.(name);
    return body ? cut(body, PROMPT_TOKENS.skill) : `There is no guide "${name.slice(0, 100)}".`;
  };
  return {
    failure: () => failure,
    tool: tool({
      description: "The full text of a guide that SKILLS lists.",
      inputSchema: jsonSchema(shape(skillInput)),
      execute: async (input) => {
        try {
          return await read(skillInput.parse(input).name);
        } catch (cause) {
          // Thrown here, the SDK would tell it to the model and go on.
          failure = { cause };
          return "The guide could not be read.";
        }
      },
    }),
  };
}

/** No answer is larger than an answer can be, and none comes from where a redirect points to. */
const boundedFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, { ...init, redirect: "error" });
  let bytes = 0;
  const counted = response.body?.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) controller.error(new Error("The answer is too large."));
        else controller.enqueue(chunk);
      },
    }),
  );
  return new Response(counted ?? null, response);
};
