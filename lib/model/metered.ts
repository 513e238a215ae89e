import type { LanguageModelMiddleware } from "ai";
import { type ModelCall, recordModelCall } from "../data/model-calls.server.ts";
import { countTokens } from "../ingest/chunk/tokens.ts";
import { parseAnswer } from "./answer.ts";
import { checkBudget } from "./budget.ts";
import { type Failure, failureOf, Malformed, refused, timedOut } from "./failure.ts";
import { MAX_OUTPUT_TOKENS } from "./limits.ts";
import type { Caller } from "./port.ts";
import { type Collected, collect, type Heard } from "./stream.ts";
import type { Target } from "./target.ts";

/** What is wrong with an answer that came whole, in words that the model can act on; undefined: nothing. */
export type ProblemOf = (answer: Collected, mayCall: boolean) => string | undefined;

/**
 * What stands around every single request to a model, also those that follow a skill or a repair: before it the budget, after
 * it its row, whatever became of it. It is streamed, so that no proxy on the way takes a long answer for a dead one, and comes
 * back whole. Throws our own errors only.
 */
export function metered(
  caller: Caller,
  target: Target,
  problemOf: ProblemOf = problemOfWriting,
): LanguageModelMiddleware {
  return {
    specificationVersion: "v4",
    async transformParams({ params }) {
      const { leftMs } = await checkBudget(caller, promptTokens(params.prompt) + MAX_OUTPUT_TOKENS);
      const signals = [AbortSignal.timeout(Math.ceil(leftMs)), params.abortSignal];
      return { ...params, abortSignal: AbortSignal.any(signals.filter((s) => s !== undefined)) };
    },
    async wrapGenerate({ doStream, params }) {
      const started = performance.now();
      let answer: Collected | undefined;
      let failure: Failure | undefined;
      const heard: Heard = { text: "" };
      try {
        const { stream } = await doStream();
        answer = await collect(stream, heard);
        const mayCall = params.toolChoice?.type !== "none";
        failure = failureIn(answer, target, problemOf(answer, mayCall));
      } catch (error) {
        failure = params.abortSignal?.aborted
          ? timedOut(target.model, target.timeoutMs)
          : failureOf(error, target.model);
      }
      const ms = Math.ceil(performance.now() - started);
      await recordModelCall({
        ...row(caller, target),
        ...spent(answer, { failure, heard, prompt: params.prompt }),
        ms,
      });
      if (failure?.outcome === "timeout") await checkBudget(caller, 0);
      if (failure) throw failure.error;
      if (!answer) throw new Error("unreachable: no answer and no failure");
      return answer.result;
    },
  };
}

/** What is wrong with an answer that came to its end. */
function failureIn(
  { result, text }: Collected,
  { model }: Target,
  problem: string | undefined,
): Failure | undefined {
  if (result.finishReason.unified === "content-filter") return refused(model, text);
  if (problem === undefined) return undefined;
  return { outcome: "malformed", error: new Malformed(model, problem, text) };
}

/** A writer answers with one object, or calls a tool while it may. */
function problemOfWriting({ result, text, calls }: Collected, mayCall: boolean) {
  if (calls > 0) return mayCall ? undefined : "It calls a tool where it has to answer.";
  const parsed = parseAnswer(text);
  if ("answer" in parsed) return undefined;
  const short = `It was cut off at ${MAX_OUTPUT_TOKENS} tokens: write less.`;
  return result.finishReason.unified === "length" ? short : parsed.problem;
}

function row({ projectId, runId, messageId, stepId }: Caller, { model }: Target) {
  return { projectId, runId, messageId, stepId, model };
}

/**
 * What the server says was used, else what we count. A request that got no answer in time, or the beginning of one, was worked on
 * all the same; one that was turned away cost nothing.
 */
function spent(
  answer: Collected | undefined,
  { failure, heard, prompt }: { failure: Failure | undefined; heard: Heard; prompt: unknown },
): Pick<ModelCall, "inputTokens" | "outputTokens" | "outcome"> {
  const used = answer?.result.usage;
  const worked = answer !== undefined || heard.text !== "" || failure?.outcome === "timeout";
  return {
    inputTokens: count(used?.inputTokens.total) ?? (worked ? promptTokens(prompt) : 0),
    outputTokens: count(used?.outputTokens.total) ?? countTokens(heard.text),
    outcome: failure?.outcome ?? (answer && answer.calls > 0 ? "tool" : "ok"),
  };
}

/** A server may say anything; a row takes whole numbers that fit it. */
function count(tokens: number | undefined): number | undefined {
  if (tokens === undefined || !Number.isFinite(tokens) || tokens <= 0) return undefined;
  return Math.min(Math.round(tokens), 2 ** 31 - 1);
}

/** A little more than it is, because of the JSON around it. */
function promptTokens(prompt: unknown): number {
  return countTokens(JSON.stringify(prompt));
}
