import { eventType } from "inngest";
import * as z from "zod";
import { id, saying } from "./fields.ts";

/** A person wrote in a thread. The same `messageId` again makes no second reply. */
export const chatMessageSent = eventType("chat.message.sent", {
  schema: z.strictObject({
    projectId: id,
    threadId: id,
    messageId: id,
    content: saying,
  }),
});

export const chatMessageReplied = eventType("chat.message.replied", {
  schema: z.strictObject({ projectId: id, threadId: id, messageId: id, inReplyTo: id }),
});
