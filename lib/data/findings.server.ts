import { and, asc, desc, eq, inArray, isNull, lt, or, sql } from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { effects, findings, projects } from "#db/schema.ts";
import { IN_FLIGHT } from "../effects/machine.ts";
import { newId } from "../ids.ts";
import { redactText } from "../redact.ts";
import type { Effect } from "./effects.server.ts";
import { behind, type Page, pageLimit, toPage } from "./page.ts";

export type Finding = typeof findings.$inferSelect;

/** How much of what differs is kept. */
const MAX_DETAIL = 2000;

/**
 * Confirmed effects of these kinds that nobody has looked at for `olderThanMs`, and that are at least as old: those that have waited
 * longest first.
 */
export async function effectsToCheck(
  input: { kinds: readonly string[]; olderThanMs: number; limit: number },
  executor: Executor = db(),
): Promise<Effect[]> {
  const { kinds, olderThanMs, limit } = input;
  const since = sql`now() - ${olderThanMs} * interval '1 millisecond'`;
  const rows = await executor
    .select({ effect: effects })
    .from(effects)
    .innerJoin(projects, eq(projects.id, effects.projectId))
    .where(
      and(
        eq(effects.status, "confirmed"),
        inArray(effects.kind, [...kinds]),
        lt(effects.confirmedAt, since),
        or(isNull(effects.checkedAt), lt(effects.checkedAt, since)),
        eq(projects.status, "active"),
      ),
    )
    .orderBy(sql`${effects.checkedAt} asc nulls first`, asc(effects.id))
    .limit(limit);
  return rows.map(({ effect }) => effect);
}

/** Says that an effect was looked at now. */
export async function markChecked(
  { id }: { id: string },
  executor: Executor = db(),
): Promise<void> {
  await executor
    .update(effects)
    // To have been looked at is no change of the effect.
    .set({ checkedAt: sql`now()`, updatedAt: effects.updatedAt })
    .where(eq(effects.id, id));
}

/** Effects on a project at Vercel that are confirmed, or may be outside already. */
const on = ({ kinds, project }: { kinds: readonly string[]; project: string }) =>
  and(
    inArray(effects.status, [...IN_FLIGHT, "confirmed"]),
    inArray(effects.kind, [...kinds]),
    sql`${effects.params}->>'project' = ${project}`,
  );

/** When an effect was brought about, as far as that is known. */
const BROUGHT = sql`coalesce(${effects.confirmedAt}, ${effects.sentAt}, ${effects.claimedAt})`;

/**
 * The newest effect of these kinds on a project at Vercel that is confirmed, or may be outside already, and what it became; null when
 * there is none. Of all projects of ours: two of them may deploy to the same.
 */
export async function newestOn(
  which: { kinds: readonly string[]; project: string },
  executor: Executor = db(),
): Promise<Pick<Effect, "id" | "externalId"> | null> {
  const [row] = await executor
    .select({ id: effects.id, externalId: effects.externalId })
    .from(effects)
    .where(on(which))
    .orderBy(sql`${BROUGHT} desc`, desc(effects.id))
    .limit(1);
  return row ?? null;
}

/** The names of the variables that effects on a project at Vercel have set since this one, or may have set. Of all projects of ours. */
export async function variablesSetSince(
  { id, project }: { id: string; project: string },
  executor: Executor = db(),
): Promise<Set<string>> {
  const since = executor
    .select({ at: BROUGHT, id: effects.id })
    .from(effects)
    .where(eq(effects.id, id));
  const name = sql<string>`jsonb_path_query(${effects.params}, '$.variables[*].name') #>> '{}'`;
  const rows = await executor
    .selectDistinct({ name })
    .from(effects)
    .where(
      and(
        on({ kinds: ["vercel.environment"], project }),
        sql`(${BROUGHT}, ${effects.id}) > (${since})`,
      ),
    );
  return new Set(rows.map((row) => row.name));
}

/** Opens a finding of an effect, or says of the open one that it is still so. Returns the new one; null when one was open. */
export async function openFinding(
  { effect, detail }: { effect: Pick<Effect, "id" | "projectId">; detail: string },
  tx: Tx,
): Promise<Finding | null> {
  const said = redactText(detail).slice(0, MAX_DETAIL);
  const id = newId("finding");
  const [row] = await tx
    .insert(findings)
    .values({ id, projectId: effect.projectId, effectId: effect.id, detail: said })
    .onConflictDoUpdate({
      target: findings.effectId,
      targetWhere: isNull(findings.goneAt),
      set: { detail: said, lastSeenAt: sql`now()` },
    })
    .returning();
  return row?.id === id ? row : null;
}

/** Ends the open finding of an effect; null when none is open. */
export async function closeFinding(
  { effectId }: { effectId: string },
  tx: Tx,
): Promise<Finding | null> {
  const [row] = await tx
    .update(findings)
    .set({ goneAt: sql`now()` })
    .where(and(eq(findings.effectId, effectId), isNull(findings.goneAt)))
    .returning();
  return row ?? null;
}

/** A project's findings, newest first, at most 100 a page. Throws InvalidInput on a cursor or limit that is none. */
export async function listFindings(
  input: { projectId: string; cursor?: string | undefined; limit?: number | undefined },
  executor: Executor = db(),
): Promise<Page<Finding>> {
  const limit = pageLimit(input.limit);
  const rows = await executor
    .select()
    .from(findings)
    .where(and(eq(findings.projectId, input.projectId), behind(findings, input.cursor)))
    .orderBy(desc(findings.createdAt), desc(findings.id))
    .limit(limit + 1);
  return toPage(rows, limit);
}
