import * as z from "zod";
import { InvalidInput } from "../errors.ts";
import { countTokens } from "../ingest/chunk/tokens.ts";
import { cut } from "./prompt.ts";

/** More calls than one answer needs; whoever carries them out leaves the rest away. */
const MAX_CALLS = 20;
/** Around each call and each turn: roles, ids, punctuation. */
const WRAPPING_TOKENS = 40;
/** Of what is only said, and of one result, in a turn that has to stay. */
const LAST_TOKENS = 500;
/** Goes down to this part of the limit, so that the next turns need not drop anything and their beginning stays the same. */
const ROOM = 0.75;

export const DROPPED = "(Dropped to save space: ask again if it is needed.)";
/** What a call asked for, when that is dropped: arguments have to be a JSON object. */
export const NO_INPUT = "{}";

const name = z.string().min(1).max(64);

/** One answer of a model, each call with what came of it, so that no call is ever without a result. */
const turnSchema = z.strictObject({
  text: z.string(),
  calls: z
    .array(z.strictObject({ id: name, name, input: z.string(), result: z.string() }))
    .max(MAX_CALLS),
});

/** A task and what a model has done about it so far, oldest first: all that the next request tells. */
export const conversationSchema = z.strictObject({ task: z.string(), turns: z.array(turnSchema) });

export type AgentTurn = z.infer<typeof turnSchema>;
export type Conversation = z.infer<typeof conversationSchema>;

/** How many tokens a conversation adds to a prompt, or a little more. */
export function conversationTokens({ task, turns }: Conversation): number {
  return turns.reduce((sum, turn) => sum + turnTokens(turn), countTokens(task));
}

/**
 * The conversation with at most `limit` tokens. Task and newest turn stay; of the others first what tools answered goes, then what
 * they were asked, then whole turns, each from the oldest on. Twice is the same as once.
 * Throws InvalidInput (`model_prompt_too_long`) when task and newest turn do not fit even cut short.
 */
export function boundConversation(conversation: Conversation, limit: number): Conversation {
  if (conversationTokens(conversation) <= limit) return conversation;
  const { task } = conversation;
  const older = conversation.turns.slice(0, -1);
  const last = conversation.turns.slice(-1);
  const goal = Math.floor(limit * ROOM);
  let left = conversationTokens(conversation);
  for (const shorten of [withoutResults, withoutInputs]) {
    for (const [at, turn] of older.entries()) {
      if (left <= goal) return { task, turns: [...older, ...last] };
      const shorter = shorten(turn);
      left -= turnTokens(turn) - turnTokens(shorter);
      older[at] = shorter;
    }
  }
  while (left > goal && older.length > 0) left -= turnTokens(older.shift() ?? EMPTY);
  const kept = { task, turns: [...older, ...last] };
  if (left <= limit) return kept;
  const short = { task, turns: last.map(shortened) };
  const tokens = conversationTokens(short);
  if (tokens <= limit) return short;
  const what = `The task has ${tokens} tokens with the newest turn and may have ${limit}: say it in fewer words.`;
  throw new InvalidInput("model_prompt_too_long", what, { tokens, limit });
}

const EMPTY: AgentTurn = { text: "", calls: [] };

function turnTokens({ text, calls }: AgentTurn): number {
  return calls.reduce(
    (sum, { id, name, input, result }) =>
      sum + WRAPPING_TOKENS + [id, name, input, result].reduce((n, s) => n + countTokens(s), 0),
    WRAPPING_TOKENS + countTokens(text),
  );
}

function withoutResults({ text, calls }: AgentTurn): AgentTurn {
  return { text, calls: calls.map((call) => ({ ...call, result: smaller(call.result, DROPPED) })) };
}

function withoutInputs({ text, calls }: AgentTurn): AgentTurn {
  return { text, calls: calls.map((call) => ({ ...call, input: smaller(call.input, NO_INPUT) })) };
}

function shortened({ text, calls }: AgentTurn): AgentTurn {
  const inputs = calls.map((call) => ({ ...call, result: cut(call.result, LAST_TOKENS) }));
  return withoutInputs({ text: cut(text, LAST_TOKENS), calls: inputs });
}

function smaller(text: string, instead: string): string {
  return countTokens(text) > countTokens(instead) ? instead : text;
}
