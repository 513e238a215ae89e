import { env } from "../../env.ts";
import { Conflict, InvalidInput, Later, NotFound } from "../../errors.ts";
import { EffectDeferred, EffectMoved, EffectRefused } from "../definition.ts";

/** How long a call of an effect at Vercel, Neon or Upstash may take. */
export const timeoutMs = () => (env().PROVIDER_TIMEOUT_SECONDS ?? 25) * 1000;

/** The status of a refusal (4xx), null for any other error. */
export function refusalStatus(error: unknown): number | null {
  const refused =
    error instanceof InvalidInput || error instanceof Conflict || error instanceof NotFound;
  const status = refused ? error.context.status : undefined;
  return typeof status === "number" ? status : null;
}

/**
 * What a failed call that makes something means for its effect: asked to wait, and nothing was done; refused for good, and nothing
 * was done; otherwise (no answer, 5xx) it is open, and the error is returned as it is, to be thrown.
 */
export function providerError(error: unknown): unknown {
  if (error instanceof EffectRefused || error instanceof EffectMoved) return error;
  if (error instanceof Later) return new EffectDeferred(error.message, error.afterMs);
  if (refusalStatus(error) === null) return error;
  return new EffectRefused("provider_refused", (error as Error).message);
}
