import { resolutionFacts } from "#lib/approvals/proof.ts";
import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { say, sayJson } from "../output.ts";
import { signature } from "../sign.ts";
import { lookUntil } from "../wait.ts";

export const RESOLUTIONS = ["adopt", "resend", "abandon"] as const;

export interface ResolveOptions {
  readonly externalId?: string;
  readonly externalUrl?: string;
  readonly note?: string;
  readonly key?: string;
  /** Seconds. */
  readonly wait: number;
}

/** How long a signed resolution may wait to be heard. */
const SIGNATURE_MS = 24 * 60 * 60 * 1000;

/**
 * Says what is to become of an effect whose outcome nobody could find out, and waits for what became of it. Throws
 * Failure when it was refused, or not heard in time.
 */
export async function resolveEffect(
  id: string,
  resolution: (typeof RESOLUTIONS)[number],
  { key, wait, ...said }: ResolveOptions,
  context: Context,
): Promise<void> {
  const { json } = context;
  const api = context.api();
  const path = `/api/effects/${encodeURIComponent(id)}`;
  const effect = await api.get(path, answers.effectDetail);
  if (effect.status !== "unknown") {
    throw new Failure(EXIT.negative, `It is ${effect.status}: there is nothing to resolve.`);
  }
  const { attempt, id: effectId } = effect;
  const facts = resolutionFacts({ effectId, attempt, resolution, ...said });
  const expiresAt = new Date(Date.now() + SIGNATURE_MS).toISOString();
  const signed = key && {
    signature: await signature(facts, { by: await api.caller(), keyFile: key, expiresAt }),
  };
  const { eventId } = await api.post(
    `${path}/resolve`,
    { resolution, ...said, ...signed },
    answers.sent,
  );
  const heard = await lookUntil(wait, async () => {
    const now = await api.get(path, answers.effectDetail);
    const refused = now.refusals.find((refusal) => refusal.eventId === eventId);
    return refused || now.status !== "unknown" || now.attempt !== attempt ? { now, refused } : null;
  });
  if (!heard) {
    if (json) sayJson({ outcome: "undecided", effectId, eventId });
    throw new Failure(
      EXIT.undecided,
      `It was sent, and no word of it is on record after ${wait} s.`,
    );
  }
  const { now, refused } = heard;
  if (refused) {
    const { reason } = refused;
    if (json) sayJson({ outcome: "refused", reason, effectId, status: now.status, eventId });
    throw new Failure(EXIT.negative, `Refused: ${refused.detail || reason} (${reason})`);
  }
  if (json) sayJson({ outcome: "accepted", effectId, status: now.status, eventId });
  else say(`Accepted: it is ${now.status}.`);
}
