import { acceptMessage } from "#lib/chat/accept.ts";
import { answerNext, replyIdOf } from "#lib/chat/answer.ts";
import { chatMessageReplied, chatMessageSent } from "#lib/events/catalogue/chat.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";

/** More questions than this do not wait in front of one; if they do, the sweeper wakes those behind again. */
const MOST_BEFORE = 50;

/**
 * Answers a question of a chat. Questions of one thread are answered one after the other in the order of their rows: a run
 * answers whatever waits in front of its own first, since events come in any order.
 */
export const answerMessage = inngest.createFunction(
  {
    id: "answer-message",
    triggers: [chatMessageSent],
    retries: 8,
    concurrency: [
      { limit: 1, key: "event.data.threadId" },
      { limit: 5, key: "event.data.projectId" },
    ],
  },
  async ({ event, step }) => {
    const { projectId, threadId, messageId } = event.data;
    const { waits } = await step.run("accept", () => acceptMessage(event.data));
    for (let turn = 0; waits && turn < MOST_BEFORE; turn++) {
      const done = await step.run(`answer-${turn}`, () => answerNext({ projectId, threadId }));
      if (done.outcome === "none") break;
      if (done.outcome === "replied") {
        const data = { projectId, threadId, messageId: done.replyId, inReplyTo: done.messageId };
        await step.sendEvent(`announce-${turn}`, happened(chatMessageReplied, data));
      }
      if (done.messageId === messageId) return done;
    }
    // It has its answer already, from whoever may have died before saying so: the event's id is the same then.
    const replyId = await step.run("reply", () => replyIdOf(messageId));
    if (replyId === null) return { messageId, outcome: "left to the sweeper" };
    const data = { projectId, threadId, messageId: replyId, inReplyTo: messageId };
    await step.sendEvent("announce", happened(chatMessageReplied, data));
    return { messageId, outcome: "answered before", replyId };
  },
);
