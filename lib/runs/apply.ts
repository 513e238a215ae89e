import { readEffect } from "../data/effects.server.ts";
import { performEffect } from "../effects/perform.ts";
import { InvalidInput } from "../errors.ts";
import { setRunStatus } from "./life.ts";

export type Applied =
  | {
      outcome: "confirmed";
      effectId: string;
      externalId: string | null;
      externalUrl: string | null;
    }
  | { outcome: "unknown" | "moved"; effectId: string };

/** Brings one effect about. Throws InvalidInput when its approval does not allow it (any more). */
export async function applyEffect(effectId: string): Promise<Applied> {
  const done = await performEffect(effectId);
  if (done.outcome !== "refused") return { ...done, effectId };
  const code = done.reason === "expired" ? "approval_expired" : `effect_${done.reason}`;
  throw new InvalidInput(code, `The effect ${effectId} is not allowed: ${done.detail}.`);
}

/**
 * Reads an effect that a person has to resolve, and says of the run whether it waits.
 * Throws InvalidInput when it was abandoned.
 */
export async function lookAtUnknown(input: {
  runId: string;
  inngestRunId: string;
  effectId: string;
}): Promise<{ unknown: boolean; attempt: number }> {
  const { runId, inngestRunId, effectId } = input;
  const { status, attempt } = await readEffect({ id: effectId });
  if (status === "abandoned") {
    throw new InvalidInput("effect_abandoned", `The effect ${effectId} was abandoned.`);
  }
  const unknown = status === "unknown";
  await setRunStatus({ runId, inngestRunId }, unknown ? "waiting_external" : "running", {
    waitingFor: effectId,
  });
  return { unknown, attempt };
}
