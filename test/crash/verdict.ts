import { asc, eq } from "drizzle-orm";
import type { Db } from "#db/client.ts";
import { approvals, auditEntries, effects, runs } from "#db/schema.ts";
import { reconstructRun } from "#lib/audit/reconstruct.ts";
import { verifyAudit } from "#lib/audit/verify.ts";
import type { Left, Target } from "./targets/target.ts";

/**
 * What is wrong with how a run ended, each in a sentence; empty when all is well: the run ended as it had to, each effect is confirmed
 * with the id of the one object that carries its marker, nothing else is outside, each approval is used, and the audit
 * chain of its project is whole and tells each step once.
 * @param left what is there of the run outside.
 * @param expected how many effects and approvals such a run has, and how it ends.
 */
export async function verdict(
  database: Db,
  runId: string,
  { objects: outside, wrong: outsideWrong }: Left,
  { effects: expected, approvals: granted, ends }: Pick<Target, "effects" | "approvals" | "ends">,
): Promise<string[]> {
  const wrong: string[] = [...outsideWrong];
  const [run] = await database.select().from(runs).where(eq(runs.id, runId));
  if (run?.status !== ends) {
    wrong.push(`the run is ${run?.status ?? "missing"} (${run?.error ?? "no error"})`);
  }
  const rows = await database.select().from(effects).where(eq(effects.runId, runId));
  if (rows.length !== expected) wrong.push(`${rows.length} effect rows instead of ${expected}`);
  if (outside.length !== expected) wrong.push(`${outside.length} objects instead of ${expected}`);
  for (const { id, kind, marker, status, externalId } of rows) {
    const mine = outside
      .filter((one) => one.kind === undefined || one.kind === kind)
      .filter((one) => one.marker === marker || (one.marker === null && one.id === externalId))
      .map((one) => one.id);
    if (mine.length !== 1) wrong.push(`${mine.length} objects of ${id}`);
    if (status !== "confirmed") wrong.push(`${id} is ${status}`);
    else if (!mine.includes(externalId ?? "")) wrong.push(`${id} names ${externalId}, not ${mine}`);
  }
  const asked = await database.select().from(approvals).where(eq(approvals.runId, runId));
  const used = asked.filter(({ status }) => status === "used").length;
  if (used !== granted) wrong.push(`${used} approvals were used instead of ${granted}`);
  if (run) {
    wrong.push(...(await auditFaults(database, run, { approvals: asked, effects: rows })));
  }
  return wrong;
}

/** The chain is whole, tells each step once, and a run that is rebuilt from it stands as the live rows do. */
async function auditFaults(
  database: Db,
  { id: runId, projectId, status }: typeof runs.$inferSelect,
  live: {
    approvals: readonly (typeof approvals.$inferSelect)[];
    effects: readonly (typeof effects.$inferSelect)[];
  },
): Promise<string[]> {
  const rows = await database
    .select()
    .from(auditEntries)
    .where(eq(auditEntries.projectId, projectId))
    .orderBy(asc(auditEntries.seq));
  const entries = rows.map(({ id: _, recordedAt, ...entry }) => ({
    ...entry,
    recordedAt: recordedAt.toISOString(),
  }));
  const wrong: string[] = [];
  const chain = verifyAudit({ projectId, entries });
  if (!chain.ok) wrong.push(`the audit chain is broken at ${chain.firstBad}: ${chain.reason}`);
  for (const [action, count] of [
    [`run.${status}`, 1],
    ["effect.confirmed", live.effects.length],
    ["approval.used", live.approvals.filter(({ status }) => status === "used").length],
  ] as const) {
    const told = entries.filter((one) => one.action === action && one.payload.runId === runId);
    if (told.length !== count) wrong.push(`${told.length} entries of ${action}`);
  }
  const rebuilt = reconstructRun(runId, entries);
  const standing = (row: { id: string; status: string; externalId?: string | null | undefined }) =>
    `${row.id} ${row.status} ${row.externalId ?? ""}`;
  const said = [...(rebuilt?.approvals ?? []), ...(rebuilt?.effects ?? [])].map(standing).sort();
  const stands = [...live.approvals, ...live.effects].map(standing).sort();
  if (rebuilt?.run.status !== status || said.join() !== stands.join()) {
    wrong.push(`rebuilt: ${rebuilt?.run.status}, ${said}; live: ${status}, ${stands}`);
  }
  return wrong;
}
