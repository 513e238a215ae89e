import { acceptMessage } from "#lib/chat/accept.ts";
import { answerQuestion, giveUpWaiting, nextQuestion, replyIdOf } from "#lib/chat/answer.ts";
import { errorMessage } from "#lib/errors.ts";
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
      const next = await step.run(`next-${turn}`, () => nextQuestion({ threadId }));
      if (next === null) break;
      const done = await step
        .run(`answer-${turn}`, () => answerQuestion(projectId, next.messageId))
        // Its tries are used up. Whatever waits behind it has its own, and is not to fail for it.
        .catch((error) =>
          step.run(`give-up-${turn}`, () => giveUpWaiting(next, errorMessage(error))),
        );
      if (done.outcome === "replied") {
        await step.sendEvent(`announce-${turn}`, replied(done.replyId, done.messageId));
      }
      if (done.messageId === messageId) return done;
    }
    // It has its answer already, from whoever may have died before saying so: the event's id is the same then.
    const replyId = await step.run("reply", () => replyIdOf(messageId));
    // It failed for good, or more wait in front of it than one run answers.
    if (replyId === null) return { messageId, outcome: "no reply" };
    await step.sendEvent("announce", replied(replyId, messageId));
    return { messageId, outcome: "answered before", replyId };

    function replied(id: string, inReplyTo: string) {
      return happened(chatMessageReplied, { projectId, threadId, messageId: id, inReplyTo });
    }
  },
);
