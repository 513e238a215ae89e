import { type Effect, moveEffect } from "../data/effects.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import { definitionOf } from "./registry.ts";

/**
 * Says of an effect that it is there, and writes what our own tables say of the thing. Null when it is not in one of
 * `from`, or no longer the claimant's.
 */
export async function confirmEffect(
  {
    named = false,
    ...move
  }: Pick<Parameters<typeof moveEffect>[0], "id" | "from" | "claimToken" | "set"> & {
    /** Whether a person has said which thing it is. */
    named?: boolean;
  },
  tx: Tx,
): Promise<Effect | null> {
  const confirmed = await moveEffect({ ...move, to: "confirmed" }, tx);
  if (!confirmed) return null;
  const { id, projectId, runId, kind, params, externalId, externalUrl } = confirmed;
  if (externalId !== null) {
    const effect = { id, projectId, runId, params, externalId, externalUrl, named };
    await definitionOf(kind).record?.(effect, tx);
  }
  return confirmed;
}
