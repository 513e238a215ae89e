import { effectEntry } from "../audit/happened.ts";
import { appendAudit } from "../data/audit.server.ts";
import type { Effect } from "../data/effects.server.ts";
import {
  closeFinding,
  effectsToCheck,
  type Finding,
  markChecked,
  openFinding,
} from "../data/findings.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { errorMessage } from "../errors.ts";
import { log } from "../log.ts";
import { CHECKS } from "./checks.ts";

const ACTOR = "countersign";
const TIMEOUT_MS = 10_000;
/** An effect is looked at once a day, for the first time a day after it was confirmed. */
export const DAY_MS = 24 * 60 * 60_000;

/** What a sweep came to. `failed`: could not be looked at, and will be again. */
export interface Swept {
  readonly checked: number;
  readonly found: number;
  readonly gone: number;
  readonly failed: number;
}

/**
 * Compares confirmed effects with the outside and records where they differ, and where they agree again. Nothing is repaired: what
 * to do about a finding is for a person to say. A system that does not answer says nothing.
 * @param input.olderThanMs effects that were looked at since are left for later
 */
export async function sweepDrift(input: { limit: number; olderThanMs: number }): Promise<Swept> {
  const kinds = [...CHECKS.keys()];
  let [found, gone, failed] = [0, 0, 0];
  const effects = await effectsToCheck({ ...input, kinds });
  for (const effect of effects) {
    const seen = await look(effect);
    if (seen === "failed") failed += 1;
    else if (seen?.goneAt) gone += 1;
    else if (seen) found += 1;
  }
  return { checked: effects.length, found, gone, failed };
}

/** Looks at one effect. Returns the finding that it opened or ended, if it did. */
async function look(effect: Effect): Promise<Finding | null | "failed"> {
  try {
    const detail = await CHECKS.get(effect.kind)?.(effect, AbortSignal.timeout(TIMEOUT_MS));
    return await note(effect, detail);
  } catch (error) {
    log.warn("drift_not_seen", { effectId: effect.id, error: errorMessage(error) });
    // Its turn is over all the same: one system that is down must not keep all others from theirs.
    await markChecked(effect);
    return "failed";
  }
}

async function note(effect: Effect, detail: string | null | undefined): Promise<Finding | null> {
  return await transaction(async (tx) => {
    await markChecked(effect, tx);
    // Whether they agree was not seen: a finding that is open stays so.
    if (detail === undefined) return null;
    const changed =
      detail === null
        ? await closeFinding({ effectId: effect.id }, tx)
        : await openFinding({ effect, detail }, tx);
    if (!changed) return null;
    const action = changed.goneAt ? "drift.gone" : "drift.found";
    const payload = { findingId: changed.id, detail: changed.detail };
    await appendAudit(effectEntry(effect, ACTOR, { action, payload }), tx);
    return changed;
  });
}
