import { cron } from "inngest";
import { claimUnanswered } from "#lib/data/messages.server.ts";
import { chatMessageSent } from "#lib/events/catalogue/chat.ts";
import { inngest } from "#lib/events/client.ts";
import { eventOfEach, event as happened } from "#lib/events/emit.ts";

/**
 * An answer whose model is away for long may go longer without being tried: it is then tried in between. That does no harm, and
 * the run that was there first gives it up all the same.
 */
const LEFT_BEHIND_MS = 15 * 60_000;

/** Wakes the answering of questions again whose event or run was lost. */
export const sweepMessages = inngest.createFunction(
  { id: "sweep-messages", triggers: [cron("*/5 * * * *")], concurrency: { limit: 1 } },
  async ({ step }) => {
    // They have the words of the questions with them, since the event has: few, so that a step's output stays small.
    const questions = await step.run("claim", () =>
      claimUnanswered({ olderThanMs: LEFT_BEHIND_MS, limit: 20 }),
    );
    const wakes = eventOfEach(questions, ({ claimedAt, ...sent }) =>
      happened(chatMessageSent, sent, `sweep ${claimedAt}`),
    );
    if (wakes.length > 0) await step.sendEvent("wake", wakes);
    return { woken: wakes.length };
  },
);
