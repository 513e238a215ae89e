import type { EventType } from "inngest";
import type { z } from "zod";
import { canonicalJson, sha256 } from "../canonical.ts";
import { errorMessage } from "../errors.ts";
import { log } from "../log.ts";
import { redactJson } from "../redact.ts";
import { PROOFS } from "./catalogue/approvals.ts";
import { inngest } from "./client.ts";
import { subject } from "./middleware.ts";

/** An event that is ready to be sent, by `emit` or by `step.sendEvent`. */
export interface OutgoingEvent {
  readonly id: string;
  readonly name: string;
  readonly data: Record<string, unknown>;
}

type Schema = z.ZodType<Record<string, unknown>, Record<string, unknown>>;

/**
 * Checks `data` against the catalogue and gives the event an id made of what happened, not of when: Inngest drops a
 * repeat for 24 hours. What looks like a secret is redacted, since Inngest keeps what it is sent, but for proofs: one that looked
 * like a token by chance would no longer hold. `occasion` tells apart two happenings with the same data, such as the sweeper's
 * second try.
 * Throws ZodError when the data does not fit, which is a fault of ours.
 */
export function event<S extends Schema>(
  type: EventType<string, S>,
  data: z.input<S>,
  occasion = "",
): OutgoingEvent {
  const checked = type.schema.parse(data);
  const proofs = Object.entries(checked).filter(([field]) => PROOFS.has(field));
  return {
    id: `${type.name}:${sha256(canonicalJson([checked, occasion])).slice(0, 40)}`,
    name: type.name,
    data: { ...redactJson(checked), ...Object.fromEntries(proofs) },
  };
}

/**
 * The events that a sweep sends, one for each row. A row that none can be made of is left out and said in the log: it must not
 * keep the sweep from the others.
 */
export function eventOfEach<T>(
  rows: readonly T[],
  make: (row: T) => OutgoingEvent,
): OutgoingEvent[] {
  return rows.flatMap((row) => {
    try {
      return [make(row)];
    } catch (error) {
      log.error("a row makes no event", { subject: subject(row), error: errorMessage(error) });
      return [];
    }
  });
}

/** Sends events from outside a function. Write the row first: the event only wakes whoever reads it. */
export async function emit(...events: readonly OutgoingEvent[]): Promise<void> {
  await inngest.send([...events]);
}
