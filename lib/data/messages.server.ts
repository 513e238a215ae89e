import { and, asc, desc, eq, inArray, lt, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { chatMessages, chatThreads } from "#db/schema.ts";
import { newId } from "../ids.ts";
import { redactJson, redactText } from "../redact.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

export type Message = typeof chatMessages.$inferSelect;

/**
 * When the next message of a thread is written, for whoever holds the thread's lock: later than every one before, so that the
 * order is never a matter of ids, whatever the clock does.
 */
const next = (threadId: string) => sql`greatest(
  date_trunc('milliseconds', clock_timestamp()),
  (select max(created_at) + interval '1 millisecond' from chat_messages where thread_id = ${threadId}))`;

/**
 * Writes a question, redacted, or finds the message that has its id already. Only with the thread locked. Null: this is the
 * first time.
 */
export async function insertQuestion(
  question: { id: string; threadId: string; content: string },
  tx: Tx,
): Promise<Message | null> {
  const { id, threadId } = question;
  const content = redactText(question.content);
  const inserted = await tx
    .insert(chatMessages)
    .values({
      ...{ id, threadId, content, role: "user", state: "pending" },
      createdAt: next(threadId),
    })
    .onConflictDoNothing()
    .returning({ id: chatMessages.id });
  if (inserted.length > 0) return null;
  return await getMessage({ id }, tx);
}

/** Writes the answer to a question and marks the question answered, once. Null: it has its answer already. Only with the thread locked. */
export async function insertReply(
  reply: {
    threadId: string;
    inReplyTo: string;
    content: string;
    metadata: Record<string, unknown>;
  },
  tx: Tx,
): Promise<string | null> {
  const { threadId, inReplyTo } = reply;
  const [inserted] = await tx
    .insert(chatMessages)
    .values({
      ...{ id: newId("message"), threadId, inReplyTo, role: "assistant" },
      content: redactText(reply.content),
      metadata: redactJson(reply.metadata),
      createdAt: next(threadId),
    })
    .onConflictDoNothing({ target: chatMessages.inReplyTo })
    .returning({ id: chatMessages.id });
  if (!inserted) return null;
  await tx
    .update(chatMessages)
    .set({ state: "answered", error: null, remediation: null })
    .where(eq(chatMessages.id, inReplyTo));
  await tx.update(chatThreads).set({ updatedAt: sql`now()` }).where(eq(chatThreads.id, threadId));
  return inserted.id;
}

export async function getMessage(
  { id }: { id: string },
  executor: Executor = db(),
): Promise<Message | null> {
  const [row] = await executor.select().from(chatMessages).where(eq(chatMessages.id, id));
  return row ?? null;
}

/** The answer to a question; null as long as there is none. */
export async function replyTo(
  { id }: { id: string },
  executor: Executor = db(),
): Promise<Message | null> {
  const [row] = await executor.select().from(chatMessages).where(eq(chatMessages.inReplyTo, id));
  return row ?? null;
}

/** The question of a thread that has waited longest; null when none waits. */
export async function oldestPending(
  { threadId }: { threadId: string },
  executor: Executor = db(),
): Promise<Message | null> {
  const [row] = await executor
    .select()
    .from(chatMessages)
    .where(and(eq(chatMessages.threadId, threadId), eq(chatMessages.state, "pending")))
    .orderBy(asc(chatMessages.createdAt), asc(chatMessages.id))
    .limit(1);
  return row ?? null;
}

/** The last `limit` answered questions of a thread before a message, oldest first, each followed by its answer. */
export async function turnsBefore(
  { threadId, createdAt }: Pick<Message, "threadId" | "createdAt">,
  limit: number,
  executor: Executor = db(),
): Promise<Message[]> {
  const questions = await executor
    .select()
    .from(chatMessages)
    .where(
      and(
        eq(chatMessages.threadId, threadId),
        eq(chatMessages.state, "answered"),
        lt(chatMessages.createdAt, createdAt),
      ),
    )
    .orderBy(desc(chatMessages.createdAt), desc(chatMessages.id))
    .limit(limit);
  const ids = questions.map(({ id }) => id);
  const replies = await executor
    .select()
    .from(chatMessages)
    .where(inArray(chatMessages.inReplyTo, ids));
  const byQuestion = new Map(replies.map((reply) => [reply.inReplyTo, reply]));
  return questions.reverse().flatMap((question) => {
    const reply = byQuestion.get(question.id);
    return reply ? [question, reply] : [];
  });
}

/** Messages of a thread, newest first, at most 100 a page. */
export async function listMessages(
  input: { threadId: string; cursor?: string | undefined; limit?: number | undefined },
  executor: Executor = db(),
): Promise<Page<Message>> {
  const limit = pageLimit(input.limit);
  const rows = await executor
    .select()
    .from(chatMessages)
    .where(and(eq(chatMessages.threadId, input.threadId), behind(chatMessages, input.cursor)))
    .orderBy(desc(chatMessages.createdAt), desc(chatMessages.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/**
 * Says that a waiting question will not be answered, and why; redacted. Whether it still waited; with `since`, since then.
 */
export async function failQuestion(
  input: { id: string; error: string; remediation: string; since?: Date | undefined },
  executor: Executor = db(),
): Promise<boolean> {
  const { id, error, remediation, since } = input;
  const rows = await executor
    .update(chatMessages)
    .set({ state: "failed", error: redactText(error), remediation })
    .where(
      and(
        eq(chatMessages.id, id),
        eq(chatMessages.state, "pending"),
        since && eq(chatMessages.waitsSince, since),
      ),
    )
    .returning({ id: chatMessages.id });
  return rows.length > 0;
}

/** Lets a question that failed wait for its answer again. */
export async function reopenQuestion({ id }: { id: string }, tx: Tx): Promise<void> {
  await tx
    .update(chatMessages)
    .set({
      ...{ state: "pending", error: null, remediation: null },
      ...{ waitsSince: sql`now()`, wokenAt: sql`now()` },
    })
    .where(and(eq(chatMessages.id, id), eq(chatMessages.state, "failed")));
}

/** A question that somebody has to be woken for. */
export interface Unanswered {
  readonly projectId: string;
  readonly threadId: string;
  readonly messageId: string;
  readonly content: string;
  readonly claimedAt: string;
}

/** Takes questions that have waited for that long, and stamps them, so that each is taken once per `olderThanMs`. */
export async function claimUnanswered(
  { olderThanMs, limit }: { olderThanMs: number; limit: number },
  executor: Executor = db(),
): Promise<Unanswered[]> {
  const due = executor
    .select({ id: chatMessages.id })
    .from(chatMessages)
    .where(
      and(
        eq(chatMessages.state, "pending"),
        lt(chatMessages.wokenAt, sql`now() - ${olderThanMs} * interval '1 millisecond'`),
      ),
    )
    .orderBy(chatMessages.wokenAt)
    .limit(limit)
    .for("update", { skipLocked: true });
  const rows = await executor
    .update(chatMessages)
    .set({ wokenAt: sql`now()` })
    .from(chatThreads)
    .where(and(inArray(chatMessages.id, due), eq(chatThreads.id, chatMessages.threadId)))
    .returning({
      projectId: chatThreads.projectId,
      threadId: chatThreads.id,
      messageId: chatMessages.id,
      content: chatMessages.content,
      claimedAt: chatMessages.wokenAt,
    });
  return rows.map((row) => ({ ...row, claimedAt: row.claimedAt.toISOString() }));
}
