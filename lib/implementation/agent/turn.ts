import * as z from "zod";
import { InvalidInput } from "../../errors.ts";
import { type AgentAnswer, askAgent } from "../../model/agent.ts";
import {
  type AgentTurn,
  boundConversation,
  type Conversation,
  conversationSchema,
} from "../../model/agent-conversation.ts";
import { modelTarget } from "../../model/target.ts";
import { redactText } from "../../redact.ts";
import type { RepositoryInput } from "../input.ts";
import { openBase } from "../repository.ts";
import { type Basis, basisOf, inputOf, type RunIds } from "../work.ts";
import { Base } from "./base.ts";
import { Draft, draftSchema, putState, stateAfter, turnStep } from "./draft.ts";
import { Files } from "./files.ts";
import { sweepTurn } from "./left-behind.ts";
import { SYSTEM, taskOf } from "./prompt.ts";
import { runInDraft } from "./run.ts";
import { carryOut, FINISH, TOOLS } from "./tools.ts";

/** Of the conversation in one request; system text and tools come on top. */
const CONVERSATION_TOKENS = 32_000;
/** That many results of full length still fit beside the task. */
const MAX_CALLS = 8;

const stateSchema = z.strictObject({ conversation: conversationSchema, draft: draftSchema });

/** What is on record of a turn; what was said is in the blob that it leaves. */
export interface TurnDone {
  readonly turn: number;
  readonly tools: readonly string[];
  readonly tokens: number;
  readonly finished: boolean;
  /** The name of that blob. */
  readonly state: string;
}

/**
 * One turn of a model on a run's draft: one request, what it asks for, and the conversation with the results for the next. It
 * starts from what the turn before left, so that a turn which is killed is made again from the same state: its request is made
 * and paid again, and nothing else. Throws what {@link askAgent} does, InvalidInput `model_missing`, and what git and sandbox throw.
 */
export async function takeTurn(ids: RunIds, turn: number): Promise<TurnDone> {
  const target = modelTarget();
  if (target === null) {
    throw new InvalidInput("model_missing", "A change from a model needs one: set MODEL.");
  }
  const attempt = await sweepTurn(ids, turn);
  const [input, basis] = await Promise.all([inputOf(ids.runId), basisOf(ids.runId)]);
  const { conversation, draft: entries } = await stateBefore(ids, turn, input, basis);
  const { projectId, runId } = ids;
  const caller = { projectId, runId, stepId: turnStep(turn) };
  const answer = await askAgent(
    { system: SYSTEM, conversation, tools: TOOLS },
    { ...caller, ...(input.budget && { budget: input.budget }) },
    target,
  );
  const draft = new Draft(ids, entries);
  const { calls, finished } = await resultsOf(answer, { ids, turn, attempt, basis, draft });
  const text = redactText(answer.text).toWellFormed();
  const turns = [...conversation.turns, { text, calls }];
  const next = boundConversation({ ...conversation, turns }, CONVERSATION_TOKENS);
  const state = await putState(ids, turn, { conversation: next, draft: draft.entries });
  return { turn, tools: calls.map(({ name }) => name), tokens: answer.tokens, finished, state };
}

async function stateBefore(
  ids: RunIds,
  turn: number,
  input: RepositoryInput,
  basis: Basis,
): Promise<z.infer<typeof stateSchema>> {
  if (turn > 1) return stateSchema.parse(await stateAfter(ids, turn - 1));
  const conversation: Conversation = { task: await taskOf(ids.projectId, input, basis), turns: [] };
  return { conversation, draft: [] };
}

interface Work {
  readonly ids: RunIds;
  readonly turn: number;
  readonly attempt: number;
  readonly basis: Basis;
  readonly draft: Draft;
}

/** Carries the calls out one after the other, up to the one that says that the change is complete. */
async function resultsOf(
  answer: AgentAnswer,
  work: Work,
): Promise<{ calls: AgentTurn["calls"]; finished: boolean }> {
  const asked = answer.calls.slice(0, MAX_CALLS);
  if (asked.length === 0) return { calls: [], finished: false };
  await using repository = await openBase(work.basis);
  const { dir } = repository;
  const base = await Base.of(dir, work.basis.base);
  const files = new Files(base, work.draft);
  const desk = { files, run: runInDraft({ ...work, dir }) };
  const calls: AgentTurn["calls"] = [];
  for (const { name, input } of asked) {
    const result = await carryOut({ name, input }, desk);
    calls.push({ ...named(work.turn, calls.length, name), input: redactText(input), result });
    // A finish with wrong arguments is none.
    if (name === FINISH && result === "Finished.") return { calls, finished: true };
  }
  const left = answer.calls.length - asked.length;
  const last = calls.at(-1);
  if (left > 0 && last) last.result += `\n(${left} more calls were not carried out.)`;
  return { calls, finished: false };
}

/** Ids and names of our own making: a server's may be of any length, and some want a name that is plain. */
function named(turn: number, at: number, name: string): { id: string; name: string } {
  const plain = name.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 64);
  return { id: `turn-${turn}-${at}`, name: plain || "unknown" };
}
