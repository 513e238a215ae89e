import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { getProject } from "#lib/data/projects.server.ts";
import { listThreads, readThread } from "#lib/data/threads.server.ts";
import { chatMessageSent } from "#lib/events/catalogue/chat.ts";
import { id } from "#lib/events/catalogue/fields.ts";
import { event } from "#lib/events/emit.ts";
import { newId } from "#lib/ids.ts";
import { Citation, viewCitation } from "./citations.ts";
import {
  type AppEnv,
  forOwners,
  forOwnersWithJson,
  instant,
  json,
  PageQuery,
  paged,
  pageOf,
  projectList,
  shown,
  wake,
} from "./common.ts";
import { problems } from "./problem.ts";
import { Sent } from "./said.ts";

const Thread = z
  .object({
    id: z.string(),
    projectId: z.string(),
    title: z.string().describe("First line of its first message"),
    createdBy: z.string(),
    state: z
      .enum(["idle", "answering", "failed"])
      .describe("answering: a message waits for its reply; failed: the last one has none"),
    error: z.string().nullable(),
    remediation: z.string().nullable().describe("What a person can do about the error"),
    createdAt: instant,
    updatedAt: instant,
  })
  .openapi("Thread");

const Message = z
  .object({
    id: z.string(),
    role: z.enum(["user", "assistant"]),
    content: z.string().describe("Of the assistant: Markdown with [n] for citation n"),
    inReplyTo: z.string().nullable(),
    state: z.enum(["pending", "answered", "failed"]).nullable().describe("Null for a reply"),
    error: z.string().nullable(),
    remediation: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()).describe("Of a reply: `model`, null when none"),
    createdAt: instant,
  })
  .openapi("Message");

const ReadMessage = Message.extend({ citations: z.array(Citation) }).openapi("ReadMessage");
const ThreadDetail = Thread.extend({ messages: pageOf(ReadMessage) }).openapi("ThreadDetail");

const NewMessage = z
  .strictObject({
    projectId: id,
    content: chatMessageSent.schema.shape.content,
    messageId: id.optional().describe("The same again makes no second reply"),
  })
  .openapi("NewMessage");

const params = z.object({ threadId: id });

const list = projectList("threads", "A project's threads, newest first", Thread);

const read = createRoute({
  ...forOwners,
  method: "get",
  path: "/threads/{threadId}",
  summary: "A thread, what it is doing, and its messages with their citations, newest first",
  request: { params, query: PageQuery },
  responses: {
    200: { description: "The thread", content: json(ThreadDetail) },
    ...problems(401, 404, 422),
  },
});

const send = createRoute({
  ...forOwnersWithJson,
  method: "post",
  path: "/threads/{threadId}/messages",
  summary: "Say something in a thread; its first message makes it",
  request: { params, body: { required: true, content: json(NewMessage) } },
  responses: {
    202: { description: "Sent", content: json(Sent.extend({ messageId: z.string() })) },
    ...problems(400, 401, 404, 413, 415, 422, 503),
  },
});

export const threadRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const page = await listThreads({ projectId, ...c.req.valid("query") });
    return c.json(
      paged(page, (row) => shown(Thread, row)),
      200,
    );
  })
  .openapi(read, async (c) => {
    const { threadId } = c.req.valid("param");
    const ownerUserId = c.var.userId;
    const read = await readThread({ id: threadId, ownerUserId, ...c.req.valid("query") });
    const of = Map.groupBy(read.citations, ({ messageId }) => messageId);
    const messages = paged(read.messages, (row) => ({
      ...shown(Message, row),
      citations: (of.get(row.id) ?? []).map(viewCitation),
    }));
    return c.json({ ...shown(Thread, read.thread), messages }, 200);
  })
  .openapi(send, async (c) => {
    const { threadId } = c.req.valid("param");
    const { projectId, content, messageId = newId("message") } = c.req.valid("json");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    // Whether thread and message may be used is judged where the rows are written: anybody may send the same as an event.
    const sent = { projectId, threadId, messageId, content };
    const saying = event(chatMessageSent, sent, c.var.requestId);
    await wake(saying);
    c.header("location", `/api/threads/${threadId}`);
    return c.json({ eventId: saying.id, messageId }, 202);
  });
