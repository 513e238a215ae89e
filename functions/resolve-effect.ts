import { resolveEffect } from "#lib/effects/resolve.ts";
import { effectResolved } from "#lib/events/catalogue/approvals.ts";
import { inngest } from "#lib/events/client.ts";
import { originOf } from "#lib/events/origin.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/** Does what a person decided about an effect whose outcome nobody could find out. */
export const resolveUnknownEffect = inngest.createFunction(
  { id: "resolve-effect", retries: INBOUND_RETRIES, triggers: [effectResolved] },
  async ({ event, step }) =>
    await step.run("resolve", () => resolveEffect({ ...event.data, eventId: originOf(event) })),
);
