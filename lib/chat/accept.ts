import type { z } from "zod";
import { insertQuestion, type Message, reopenQuestion } from "../data/messages.server.ts";
import { projectExists, readProject } from "../data/projects.server.ts";
import { insertThread, lockThread } from "../data/threads.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { Conflict, noProjectYet } from "../errors.ts";
import type { chatMessageSent } from "../events/catalogue/chat.ts";
import { log } from "../log.ts";
import { redactText } from "../redact.ts";

export type SentMessage = z.infer<typeof chatMessageSent.schema>;

const TITLE_CHARS = 100;

/**
 * Writes a question into its thread, which its first one makes. The same again changes nothing, unless there is no answer to
 * be had any more: then it waits for one anew. Returns whether it waits. Throws Later for a project that is not there (yet),
 * and Conflict for a thread of another project, an id that another message has, or other words under the same id.
 */
export async function acceptMessage(sent: SentMessage): Promise<{ waits: boolean }> {
  const { projectId, threadId, messageId: id, content } = sent;
  return await transaction(async (tx) => {
    if (!(await projectExists({ id: projectId }, tx))) throw noProjectYet(projectId);
    const { ownerUserId: createdBy } = await readProject({ id: projectId }, tx);
    await insertThread({ id: threadId, projectId, title: titleOf(content), createdBy }, tx);
    const thread = await lockThread({ id: threadId }, tx);
    if (thread.projectId !== projectId) {
      const what = `The thread id ${threadId} is taken by another project: choose another.`;
      throw refused("thread_id_taken", what, sent);
    }
    const before = await insertQuestion({ id, threadId, content }, tx);
    if (before === null) return { waits: true };
    checkSame(before, sent);
    if (before.state === "failed") await reopenQuestion({ id }, tx);
    return { waits: before.state !== "answered" };
  });
}

/** Whether a row is the question that was sent. */
export function isSame(row: Message, { threadId, content }: SentMessage): boolean {
  return row.threadId === threadId && row.role === "user" && row.content === redactText(content);
}

function checkSame(row: Message, sent: SentMessage): void {
  const { messageId } = sent;
  if (isSame(row, sent)) return;
  const other =
    row.threadId === sent.threadId && row.role === "user"
      ? `The message ${messageId} says something else already`
      : `The message id ${messageId} is taken`;
  throw refused("message_id_taken", `${other}: send it under another id.`, sent);
}

/** Said where somebody looks: nobody waits for an answer to an event. */
function refused(code: string, what: string, { projectId, threadId, messageId }: SentMessage) {
  log.warn("message refused", { code, projectId, threadId, messageId });
  return new Conflict(code, what, { projectId, threadId, messageId });
}

function titleOf(content: string): string {
  const line = content.trim().split(/\r?\n/, 1)[0] ?? "";
  // Never half a character.
  return [...line.replace(/\s+/g, " ")].slice(0, TITLE_CHARS).join("").trim();
}
