import { giveUpSent } from "#lib/chat/fail.ts";
import { chatMessageSent } from "#lib/events/catalogue/chat.ts";
import { inngest } from "#lib/events/client.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

const SENT = `event.data.event.name == "${chatMessageSent.name}"`;

/**
 * Says in the thread that there is no answer when a run was lost at a question, or somebody has ended it in the engine. Tries that are
 * used up are none of this: answer-message.ts sees to them.
 */
export const closeMessage = inngest.createFunction(
  {
    id: "close-message",
    retries: INBOUND_RETRIES,
    triggers: [
      { event: "inngest/function.failed", if: SENT },
      { event: "inngest/function.cancelled", if: SENT },
    ],
  },
  async ({ event, step }) => {
    const sent = chatMessageSent.schema.safeParse(event.data.event.data);
    // What does not fit the catalogue was refused before it became a row.
    if (!sent.success) return { failed: false };
    const canceled = event.name === "inngest/function.cancelled";
    const error = canceled ? "Canceled in the Inngest dashboard." : event.data.error.message;
    const sentAt = new Date(event.data.event.ts ?? event.ts ?? Date.now());
    // Whoever cancels means this question, also while it waits for others.
    const rule = { inTurn: !canceled };
    return await step.run("fail", () => giveUpSent(sent.data, error, sentAt, rule));
  },
);
