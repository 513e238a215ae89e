/**
 * The life of an effect (DESIGN section 5). `sent` is written before the call, so from there on the change may exist
 * outside; every state before it means that it surely does not.
 */
export type EffectState =
  | "planned"
  | "approved"
  | "claimed"
  | "sent"
  | "confirmed"
  | "failed"
  | "unknown"
  | "abandoned";

/** Which states may follow which. `planned -> planned`: another intent, or another approval, took the place of the old
 * one. `approved -> planned`: its approval ended. `sent -> approved`: surely not done, try later. */
export const FOLLOWS: Readonly<Record<EffectState, readonly EffectState[]>> = {
  planned: ["planned", "approved", "abandoned"],
  approved: ["claimed", "planned", "abandoned"],
  claimed: ["claimed", "sent", "planned", "abandoned"],
  sent: ["sent", "confirmed", "approved", "failed", "unknown", "planned", "abandoned"],
  unknown: ["confirmed", "approved", "abandoned"],
  failed: ["planned"],
  abandoned: ["planned"],
  confirmed: [],
};

/** The state that a person's resolution of an effect that is `unknown` leads to. */
export const RESULT = { adopt: "confirmed", resend: "approved", abandon: "abandoned" } as const;

/** Somebody has begun with it, and what became of it is not known yet. */
export const IN_FLIGHT: readonly EffectState[] = ["claimed", "sent", "unknown"];

/** The states from which `to` may be reached. */
export function before(to: EffectState): EffectState[] {
  return (Object.keys(FOLLOWS) as EffectState[]).filter((from) => FOLLOWS[from].includes(to));
}

/** What whoever comes to an effect with the wish to see it done has to do. */
export type NextMove =
  | { do: "nothing"; because: "confirmed" }
  | { do: "wait"; ms: number }
  /** Take the approval and the lease, write `sent`, call. */
  | { do: "claim" }
  /** It may exist: take the lease over and look for it before anything else. */
  | { do: "find" }
  | { do: "ask"; because: "unknown" }
  | { do: "stop"; because: "not_approved" | "failed" | "abandoned" };

/** How long the lease for one call is, in ms. A call that its deadline let go has ended when its lease is over. */
export function leaseMs(definition: { timeoutMs(): number }): number {
  return definition.timeoutMs() * 2;
}

/** Decides by the row and by what is left of the lease of whoever works on it, in ms; 0 or less: nobody does. */
export function nextMove(state: EffectState, leaseMs: number): NextMove {
  switch (state) {
    case "confirmed":
      return { do: "nothing", because: "confirmed" };
    case "claimed":
      return leaseMs > 0 ? { do: "wait", ms: leaseMs } : { do: "claim" };
    case "sent":
      return leaseMs > 0 ? { do: "wait", ms: leaseMs } : { do: "find" };
    case "approved":
      return { do: "claim" };
    case "unknown":
      return { do: "ask", because: "unknown" };
    case "planned":
      return { do: "stop", because: "not_approved" };
    case "failed":
    case "abandoned":
      return { do: "stop", because: state };
  }
}

/** What to do after a look that did not find a sent effect. `sentAgoMs` counts from the last call. */
export function afterNotFound(
  reads: "consistent" | { readonly settleMs: number },
  sentAgoMs: number,
): { do: "resend" } | { do: "wait"; ms: number } | { do: "give_up" } {
  if (reads === "consistent") return { do: "resend" };
  const left = reads.settleMs - sentAgoMs;
  return left > 0 ? { do: "wait", ms: left } : { do: "give_up" };
}
