import { infraProvisioned } from "#lib/events/catalogue/delivery.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { recordProvisioned } from "#lib/provision/record.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/**
 * Notes what a person has made by hand for a run, and says so again under the id of the row, which is what the run waits for: the row
 * is there then. What we say ourselves has such an id and is not noted again.
 */
export const recordInfra = inngest.createFunction(
  {
    id: "record-infra",
    retries: INBOUND_RETRIES,
    triggers: [{ event: infraProvisioned, if: '!event.data.resourceId.startsWith("infra_")' }],
  },
  async ({ event, step }) => {
    const { id: resourceId, externalId } = await step.run("record", () =>
      recordProvisioned(event.data),
    );
    const recorded = { ...event.data, resourceId, externalId };
    await step.sendEvent("announce", happened(infraProvisioned, recorded));
    return { resourceId };
  },
);
