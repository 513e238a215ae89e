import { randomUUID } from "node:crypto";
import type { z } from "zod";
import { id as idOf, saying } from "#lib/events/catalogue/fields.ts";
import { redactText } from "#lib/redact.ts";
import { placeOf } from "#lib/retrieval/citations.ts";
import * as answers from "../answers.ts";
import type { Api } from "../api.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { cleanLine, say, sayJson } from "../output.ts";
import { projectOf } from "../settings.ts";
import { lookUntil } from "../wait.ts";

type Message = z.infer<typeof answers.message>;
type Citation = Message["citations"][number];

/** A question as its thread has it, and its reply when there is one. */
interface Seen {
  readonly question: Message;
  readonly reply?: Message | undefined;
}

/**
 * Asks in a thread, waits for the reply, and prints it with its sources. With `message` the same can be asked again without a
 * second reply. Throws Failure when there is no reply to be had, or none in time.
 */
export async function chat(
  threadId: string,
  words: readonly string[],
  { message, wait }: { message?: string; wait: number },
  { api: apiOf, settings, json }: Context,
): Promise<void> {
  const projectId = projectOf(settings);
  const content = given(saying, words.join(" "), "question");
  const path = `/api/threads/${given(idOf, threadId, "thread id")}`;
  const messageId = given(idOf, message ?? `msg_${randomUUID()}`, "message id");
  const api = apiOf();
  const before = await look(api, { path, projectId, messageId });
  if (before) checkSame(before.question, content);
  const body = { projectId, content, messageId };
  const { eventId } = await api.post(`${path}/messages`, body, answers.sent);
  let reopened = before?.question.state !== "failed";
  let last: Seen | null = before;
  const ended = await lookUntil(wait, async () => {
    last = await look(api, { path, projectId, messageId });
    if (!last) return null;
    checkSame(last.question, content);
    // What is still said of the last try says nothing about this one.
    if (last.question.state === "pending") reopened = true;
    return last.reply || (reopened && last.question.state === "failed") ? last : null;
  });
  const { question, reply } = ended ?? last ?? {};
  const { state = "unknown", error = null, remediation = null } = question ?? {};
  if (json) {
    sayJson({ threadId, messageId, eventId, state, error, remediation, reply: reply ?? null });
  }
  if (reply) {
    if (!json) tell(reply);
    return;
  }
  if (state === "failed") {
    throw new Failure(EXIT.negative, [error, remediation].filter(Boolean).join("\n"));
  }
  throw new Failure(
    EXIT.undecided,
    `It was sent, and there is no reply within ${wait} s. Ask the same again with: --message ${messageId}`,
  );
}

function given(schema: z.ZodType<string>, value: string, what: string): string {
  const { data, error } = schema.safeParse(value);
  if (data !== undefined) return data;
  throw new Failure(EXIT.usage, `This is no ${what}: ${error?.issues[0]?.message}.`);
}

/** Null as long as the question is not in the thread, or there is no such thread. Throws Failure for another project's. */
async function look(
  api: Api,
  { path, projectId, messageId }: { path: string; projectId: string; messageId: string },
): Promise<Seen | null> {
  const thread = await api.find(`${path}?limit=100`, answers.thread);
  if (!thread) return null;
  if (thread.projectId !== projectId) {
    const what = `The thread is of the project ${thread.projectId}: choose another id.`;
    throw new Failure(EXIT.negative, what);
  }
  const { items } = thread.messages;
  const question = items.find(({ id }) => id === messageId);
  return question
    ? { question, reply: items.find(({ inReplyTo }) => inReplyTo === messageId) }
    : null;
}

/** A question is kept without secrets, and perhaps shorter. */
function checkSame({ role, content: kept }: Message, content: string): void {
  if (role === "user" && redactText(content).startsWith(kept)) return;
  const what = "This message id says something else already: ask under another one.";
  throw new Failure(EXIT.negative, what);
}

function tell({ content, citations }: Message): void {
  say(content.trimEnd());
  if (citations.length > 0) say("");
  for (const citation of citations) {
    const { ordinal, quote, outdated } = citation;
    const changed = outdated ? " (removed or changed since)" : "";
    say(`[${ordinal}] ${cleanLine(whereOf(citation))}${changed}: "${cleanLine(quote)}"`);
  }
}

function whereOf(citation: Citation): string {
  const { type, fileName = "", pageStart = null, pageEnd = null } = citation;
  if (type === "artifact") {
    const { artifactKind, artifactKey, artifactVersion } = citation;
    return `${artifactKind} ${artifactKey}, version ${artifactVersion}`;
  }
  if (type === "code") {
    return `${citation.codePath}, lines ${citation.lineStart}-${citation.lineEnd}`;
  }
  return placeOf({ fileName, pageStart, pageEnd });
}
