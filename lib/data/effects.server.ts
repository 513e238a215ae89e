import { and, asc, eq, gt, inArray, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { effects } from "#db/schema.ts";
import { NotFound } from "../errors.ts";
import { redactText } from "../redact.ts";

export type Effect = typeof effects.$inferSelect;
export type EffectStatus = Effect["status"];

/** What a plan says about an effect; everything else about it happens later. */
export type PlannedEffect = Pick<
  Effect,
  | "id"
  | "projectId"
  | "runId"
  | "stepId"
  | "kind"
  | "scope"
  | "intent"
  | "intentHash"
  | "params"
  | "position"
>;

/** Plans a new effect. Its id is its marker. Null when this step of the run has one already. */
export async function insertEffect(effect: PlannedEffect, tx: Tx): Promise<Effect | null> {
  const [row] = await tx
    .insert(effects)
    .values({ ...effect, marker: effect.id })
    .onConflictDoNothing()
    .returning();
  return row ?? null;
}

/** Throws NotFound. */
export async function readEffect(
  { id }: { id: string },
  executor: Executor = db(),
): Promise<Effect> {
  const [row] = await executor.select().from(effects).where(eq(effects.id, id));
  if (!row) throw new NotFound("effect_not_found", `There is no effect ${id}.`);
  return row;
}

/**
 * The effect, locked until the transaction ends, and whether a lease on it is running by the database's clock.
 * Throws NotFound.
 */
export async function lockEffect(
  { id }: { id: string },
  tx: Tx,
): Promise<{ effect: Effect; leaseMs: number; sentAgoMs: number }> {
  const [row] = await tx
    .select({
      effect: effects,
      leaseMs: sql<number>`coalesce(ceil(extract(epoch from ${effects.leaseExpiresAt} - clock_timestamp()) * 1000), 0)::float8`,
      sentAgoMs: sql<number>`coalesce(extract(epoch from clock_timestamp() - ${effects.sentAt}) * 1000, 0)::float8`,
    })
    .from(effects)
    .where(eq(effects.id, id))
    .for("update");
  if (!row) throw new NotFound("effect_not_found", `There is no effect ${id}.`);
  return row;
}

/** The effects of a run in the order of their plan, locked; a plan has at most 100. */
export async function lockEffectsOfRun({ runId }: { runId: string }, tx: Tx): Promise<Effect[]> {
  return await tx
    .select()
    .from(effects)
    .where(eq(effects.runId, runId))
    .orderBy(asc(effects.position), asc(effects.id))
    .for("update");
}

/**
 * Moves an effect from one of `from` to `to`, if it is there and, when `claimToken` is said, still that claimant's with a
 * lease that runs. Returns it as it is now, else null.
 */
export async function moveEffect(
  move: {
    id: string;
    from: readonly EffectStatus[];
    to: EffectStatus;
    claimToken?: string;
    /** Starts or renews the lease, counted from now by the database's clock. */
    leaseMs?: number;
    set?: Partial<
      Pick<
        Effect,
        | "claimToken"
        | "approvalId"
        | "externalId"
        | "externalUrl"
        | "error"
        | "intent"
        | "intentHash"
        | "params"
        | "position"
        | "kind"
        | "scope"
      >
    >;
  },
  tx: Tx,
): Promise<Effect | null> {
  const { id, from, to, claimToken, leaseMs, set = {} } = move;
  const held = claimToken
    ? and(eq(effects.claimToken, claimToken), gt(effects.leaseExpiresAt, sql`clock_timestamp()`))
    : undefined;
  const lease =
    leaseMs === undefined
      ? {}
      : { leaseExpiresAt: sql`clock_timestamp() + ${leaseMs} * interval '1 millisecond'` };
  const [row] = await tx
    .update(effects)
    .set({
      ...set,
      // What another system says of itself may hold its secrets: an address with a token, an error that repeats ours.
      ...redacted(set, "error", "externalId", "externalUrl"),
      ...lease,
      status: to,
      ...(to === "claimed" ? { claimedAt: sql`now()` } : {}),
      ...(to === "sent" ? { sentAt: sql`now()`, attempt: sql`${effects.attempt} + 1` } : {}),
      ...(to === "confirmed" ? { confirmedAt: sql`now()`, error: null } : {}),
      ...(["planned", "approved"].includes(to) ? { claimToken: null, leaseExpiresAt: null } : {}),
    })
    .where(and(eq(effects.id, id), inArray(effects.status, [...from]), held))
    .returning();
  return row ?? null;
}

function redacted<K extends "error" | "externalId" | "externalUrl">(
  set: Partial<Pick<Effect, K>>,
  ...names: K[]
): Partial<Pick<Effect, K>> {
  const texts = names.flatMap((name) => {
    const text = set[name];
    return typeof text === "string" ? [[name, redactText(text)]] : [];
  });
  return Object.fromEntries(texts);
}

/** Takes over a lapsed lease without changing the state: whoever held it can no longer write. */
export async function takeLease(
  { id, claimToken, leaseMs }: { id: string; claimToken: string; leaseMs: number },
  tx: Tx,
): Promise<void> {
  await tx
    .update(effects)
    .set({
      claimToken,
      leaseExpiresAt: sql`clock_timestamp() + ${leaseMs} * interval '1 millisecond'`,
    })
    .where(eq(effects.id, id));
}
