import { and, desc, eq, getTableColumns, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { chatMessages, chatThreads, projects } from "#db/schema.ts";
import { NotFound } from "../errors.ts";
import { redactText } from "../redact.ts";
import { citationsOfMessages, type ReadCitation } from "./citations.server.ts";
import { listMessages, type Message } from "./messages.server.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

export type Thread = typeof chatThreads.$inferSelect;

/** `answering` as long as a question waits; otherwise what became of the last question. */
export type ThreadState = "idle" | "answering" | "failed";

export type ReadThread = Thread & {
  readonly state: ThreadState;
  /** Of the last question, when it failed; and what a person can do. */
  readonly error: string | null;
  readonly remediation: string | null;
};

/** Makes a thread; one that is there stays as it is, whosever it is. The title is redacted. */
export async function insertThread(
  input: { id: string; projectId: string; title: string; createdBy: string },
  tx: Tx,
): Promise<void> {
  const title = redactText(input.title);
  await tx
    .insert(chatThreads)
    .values({ ...input, title })
    .onConflictDoNothing();
}

/** A thread, locked until the transaction ends: what is written to it comes one after the other. Throws NotFound. */
export async function lockThread({ id }: { id: string }, tx: Tx): Promise<Thread> {
  const [thread] = await tx.select().from(chatThreads).where(eq(chatThreads.id, id)).for("update");
  if (!thread) throw new NotFound("thread_not_found", `There is no thread ${id}.`);
  return thread;
}

/** A project's threads, newest first, at most 100 a page. */
export async function listThreads(
  input: { projectId: string; cursor?: string | undefined; limit?: number | undefined },
  executor: Executor = db(),
): Promise<Page<ReadThread>> {
  const limit = pageLimit(input.limit);
  const rows = await executor
    .select(shown())
    .from(chatThreads)
    .where(and(eq(chatThreads.projectId, input.projectId), behind(chatThreads, input.cursor)))
    .orderBy(desc(chatThreads.createdAt), desc(chatThreads.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** One thread of the caller's own projects. Throws NotFound: somebody else's looks the same as none. */
export async function ownThread(
  { id, ownerUserId }: { id: string; ownerUserId: string },
  executor: Executor = db(),
): Promise<ReadThread> {
  const [row] = await executor
    .select(shown())
    .from(chatThreads)
    .innerJoin(projects, eq(projects.id, chatThreads.projectId))
    .where(
      and(
        eq(chatThreads.id, id),
        eq(projects.ownerUserId, ownerUserId),
        eq(projects.status, "active"),
      ),
    );
  if (!row) throw new NotFound("thread_not_found", `There is no thread ${id}.`);
  return row;
}

/**
 * One thread of the caller's own projects with a page of its messages, newest first, and what those cite: all three as they were
 * at one moment, so that nobody sees a reply beside the word that it is still being written. Throws NotFound, as `ownThread`.
 */
export async function readThread(input: {
  id: string;
  ownerUserId: string;
  cursor?: string | undefined;
  limit?: number | undefined;
}): Promise<{ thread: ReadThread; messages: Page<Message>; citations: ReadCitation[] }> {
  const { id, ownerUserId, cursor, limit } = input;
  return await db().transaction(
    async (tx) => {
      const thread = await ownThread({ id, ownerUserId }, tx);
      const messages = await listMessages({ threadId: id, cursor, limit }, tx);
      const ids = messages.items.map((message) => message.id);
      return { thread, messages, citations: await citationsOfMessages({ ids }, tx) };
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
}

/** The columns, and the state as it follows from the messages: it cannot be left behind by whoever dies. */
function shown() {
  const ofThread = sql`${chatMessages} m where m.thread_id = chat_threads.id`;
  const last = (column: string) =>
    sql<string | null>`(select case when m.state = 'failed' then m.${sql.identifier(column)} end
      from ${ofThread} and m.role = 'user' order by m.created_at desc, m.id desc limit 1)`;
  return {
    ...getTableColumns(chatThreads),
    state: sql<ThreadState>`case
      when exists (select 1 from ${ofThread} and m.state = 'pending') then 'answering'
      when ${last("error")} is not null then 'failed'
      else 'idle' end`,
    error: last("error"),
    remediation: last("remediation"),
  };
}
