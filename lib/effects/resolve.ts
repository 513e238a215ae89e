import { effectEntry } from "../audit/happened.ts";
import { appendAudits } from "../data/audit.server.ts";
import { type Effect, moveEffect, readEffect } from "../data/effects.server.ts";
import { projectExists } from "../data/projects.server.ts";
import { readRun } from "../data/runs.server.ts";
import { type Tx, transaction } from "../data/transaction.server.ts";
import { Conflict, CountersignError, NotFound } from "../errors.ts";
import { confirmEffect } from "./confirm.ts";
import type { Found } from "./definition.ts";
import { judgeResolution } from "./judge-resolution.ts";
import { RESULT } from "./machine.ts";
import { externalOf, findingOf } from "./made-under.ts";
import { definitionOf } from "./registry.ts";
import { missingEntry, type Resolution, refusedEntry, resolvedEntry } from "./resolution.ts";

/** How it came out. `settled` is there when the effect stands as it was resolved, also by a repeat. */
export interface Resolved {
  readonly accepted: boolean;
  readonly reason?: string;
  readonly settled?: {
    runId: string;
    outcome: "confirmed" | "approved" | "abandoned";
    /** How often it was sent before. */
    attempt: number;
  };
}

/**
 * Does what a person decided about an effect whose outcome nobody could find out: `adopt` takes the external object that
 * its marker finds, or the one that the person names; `resend` lets it be claimed again; `abandon` ends it. Who may say
 * so is who may approve its plan, with the same assurance, also when it was said before. A refused one changes nothing
 * and is recorded, in the chain of the effect's project, or else of the one that the event names.
 */
export async function resolveEffect(resolution: Resolution): Promise<Resolved> {
  const effect = await readOrNull(resolution.effectId);
  if (!effect) return await refuseMissing(resolution);
  // Outside of the transaction, which holds locks: the other system may take its time.
  const external = await adopted(effect, resolution);
  try {
    return await settle(effect, resolution, external);
  } catch (error) {
    // What was named cannot be this effect's: our own tables know it as another's.
    if (!(error instanceof Conflict)) throw error;
    const reason = error.code;
    await transaction((tx) => appendAudits([refusedEntry(effect, resolution, reason)], tx));
    return { accepted: false, reason };
  }
}

async function settle(
  effect: Effect,
  resolution: Resolution,
  external: Adopted | null,
): Promise<Resolved> {
  return await transaction(async (tx) => {
    const verdict = await judgeResolution(effect, resolution, external === null, tx);
    if ("refused" in verdict) {
      const reason = verdict.refused;
      await appendAudits([refusedEntry(verdict.effect, resolution, reason)], tx);
      return { accepted: false, reason };
    }
    const to = RESULT[resolution.resolution];
    if ("repeated" in verdict) return { accepted: true, ...settledAs(verdict.effect, to) };
    const { set, payload } = external
      ? await findingOrNamed(verdict.effect, external, tx)
      : { set: {}, payload: {} };
    const move = { id: effect.id, from: ["unknown"] as const, set };
    const moved =
      to === "confirmed"
        ? await confirmEffect({ ...move, named: external?.named ?? false }, tx)
        : await moveEffect({ ...move, to }, tx);
    if (!moved) throw new Error(`the effect ${effect.id} moved under its lock`);
    const resolved = resolvedEntry(moved, resolution, verdict.assurance);
    await appendAudits([resolved, effectEntry(moved, resolution.by, { payload })], tx);
    return { accepted: true, ...settledAs(moved, to) };
  });
}

/** Whether an effect is resolved and its run still waits for that, so that nobody heard of it. */
export async function unheard(effectId: string): Promise<boolean> {
  const { status, runId } = await readEffect({ id: effectId });
  return status !== "unknown" && (await readRun({ id: runId })).status === "waiting_external";
}

interface Adopted extends Found {
  /** Named by the person; otherwise its marker found it. */
  readonly named: boolean;
}

async function adopted(effect: Effect, resolution: Resolution): Promise<Adopted | null> {
  if (resolution.resolution !== "adopt" || effect.status !== "unknown") return null;
  const definition = definitionOf(effect.kind);
  const { marker, params } = effect;
  const signal = AbortSignal.timeout(definition.timeoutMs());
  const { externalId: id, externalUrl: url } = resolution;
  try {
    const found = await definition.find({ marker, params, signal });
    if (found) return { ...found, named: false };
  } catch (error) {
    // What the person names is enough when the other system cannot be asked; and without that, whoever says it hears that nothing
    // can be adopted when asking again cannot help.
    const helps = !(error instanceof CountersignError) || error.retry;
    if (id === undefined && helps) throw error;
  }
  return id === undefined ? null : { id, url, named: true };
}

async function findingOrNamed(effect: Effect, external: Adopted, tx: Tx) {
  if (!external.named) return await findingOf(effect, external, tx);
  return { set: externalOf(external), payload: { named: true } };
}

/** A chain is begun by a project that exists: nobody can start one by naming what is not there. */
async function refuseMissing(resolution: Resolution): Promise<Resolved> {
  const reason = "no_such_effect";
  await transaction(async (tx) => {
    if (!(await projectExists({ id: resolution.projectId }, tx))) return;
    await appendAudits([missingEntry(resolution, reason)], tx);
  });
  return { accepted: false, reason };
}

/** Nothing to be woken for when it has gone on since. */
function settledAs(
  { status, runId, attempt }: Effect,
  outcome: (typeof RESULT)[keyof typeof RESULT],
): Pick<Resolved, "settled"> {
  return status === outcome ? { settled: { runId, outcome, attempt } } : {};
}

async function readOrNull(id: string): Promise<Effect | null> {
  try {
    return await readEffect({ id });
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}
