import { insertCitations } from "../data/citations.server.ts";
import {
  getMessage,
  insertReply,
  type Message,
  oldestPending,
  replyTo,
  turnsBefore,
} from "../data/messages.server.ts";
import { spentOn } from "../data/model-calls.server.ts";
import { lockThread } from "../data/threads.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { CountersignError } from "../errors.ts";
import type { Written } from "../model/port.ts";
import { skillsOf } from "../model/skills.ts";
import { write } from "../model/write.ts";
import { vectorsUnavailable } from "../retrieval/search.ts";
import { composeReply } from "./compose.ts";
import { giveUp } from "./fail.ts";
import { type Found, findSources } from "./sources.ts";

/** Questions that a new one may follow on, each with its answer. */
const TURNS = 4;

/** What became of a question. */
export type Answered =
  | { readonly outcome: "replied"; readonly messageId: string; readonly replyId: string }
  /** There is no answer, unless somebody sends the question again. */
  | { readonly outcome: "failed"; readonly messageId: string };

/** A question that waits. */
export interface Waiting {
  readonly messageId: string;
  /** In ISO 8601; another time once it has failed and was sent again. */
  readonly since: string;
}

/** The question of a thread that has waited longest; null when none waits. */
export async function nextQuestion(thread: { threadId: string }): Promise<Waiting | null> {
  const question = await oldestPending(thread);
  return question && { messageId: question.id, since: question.waitsSince.toISOString() };
}

/**
 * Answers a question from the project's documents, artifacts and code; once, however often this runs. A question that cannot be
 * answered as it is fails for good; what may pass is thrown, for another try.
 */
export async function answerQuestion(projectId: string, messageId: string): Promise<Answered> {
  const question = await getMessage({ id: messageId });
  if (question?.state !== "pending") return await settled(messageId);
  try {
    return { outcome: "replied", messageId, replyId: await answer(projectId, question) };
  } catch (error) {
    if (!(error instanceof CountersignError) || error.retry) throw error;
    await giveUp(messageId, `${error.code}: ${error.message}`);
    return { outcome: "failed", messageId };
  }
}

/**
 * Gives up a question whose tries are used up, unless it was sent again since it was found to wait: then another run is at it.
 * Returns what has become of it: whoever was at it besides may have had its answer just now.
 */
export async function giveUpWaiting({ messageId, since }: Waiting, error: string) {
  await giveUp(messageId, error, new Date(since));
  return await settled(messageId);
}

/** What a question came to that somebody else was at, or that is gone with its project. */
async function settled(messageId: string): Promise<Answered> {
  const replyId = await replyIdOf(messageId);
  return replyId === null
    ? { outcome: "failed", messageId }
    : { outcome: "replied", messageId, replyId };
}

/** The answer that a question has; null when it has none. */
export async function replyIdOf(messageId: string): Promise<string | null> {
  return (await replyTo({ id: messageId }))?.id ?? null;
}

async function answer(projectId: string, question: Message): Promise<string> {
  const { id: messageId, content: task } = question;
  const turns = await turnsBefore(question, TURNS);
  const found = await findSources(projectId, queriesOf(question, turns));
  // A model that has read what words alone find is not paid for reading it again at each try of an outage.
  if (found.warning !== undefined && (await spentOn({ messageId })).calls > 0) {
    throw vectorsUnavailable(projectId);
  }
  const written = await write(
    {
      task,
      history: turns.map(({ role, content }) => ({ role, content })),
      passages: found.sources.map(({ id, label, text }) => ({ id, label, text })),
    },
    { projectId, messageId, stepId: "chat" },
    () => skillsOf(projectId),
  );
  return await reply(projectId, question, { written, found });
}

/** A question is often about what the one before it named. */
function queriesOf({ content }: Message, turns: readonly Message[]): string[] {
  const last = turns.findLast(({ role }) => role === "user");
  return last ? [content, `${last.content}\n${content}`] : [content];
}

/**
 * Writes the answer with its citations, all or nothing, unless the question has one already. Returns its id. Throws Unavailable
 * (`vectors_unavailable`) when words alone were searched and answer nothing: that the documents do not answer it would stay for good.
 */
async function reply(
  projectId: string,
  { id: inReplyTo, threadId }: Message,
  { written, found }: { written: Written; found: Found },
): Promise<string> {
  return await transaction(async (tx) => {
    await lockThread({ id: threadId }, tx);
    const { sources, warning } = found;
    const composed = await composeReply({ projectId, written, sources }, tx);
    const { content, citations, withheld } = composed;
    if (warning !== undefined && citations.length === 0) throw vectorsUnavailable(projectId);
    const metadata = {
      model: written.model,
      answered: citations.length > 0,
      sources: sources.length,
      dropped: written.dropped + composed.dropped,
      withheld,
      ...(warning !== undefined && { warning }),
    };
    const replyId = await insertReply({ threadId, inReplyTo, content, metadata }, tx);
    if (replyId !== null) {
      await insertCitations({ projectId, messageId: replyId }, citations, tx);
      return replyId;
    }
    const before = await replyTo({ id: inReplyTo }, tx);
    if (!before) throw new Error(`the reply to ${inReplyTo} is neither new nor there`);
    return before.id;
  });
}
