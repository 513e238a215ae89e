import {
  and,
  asc,
  between,
  desc,
  eq,
  gt,
  gte,
  inArray,
  like,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import { db, type Executor, type Tx } from "#db/client.ts";
import { auditEntries } from "#db/schema.ts";
import { type AuditEntry, entryHash, GENESIS } from "../audit/entry.ts";
import { Conflict } from "../errors.ts";
import { newId } from "../ids.ts";
import { redactJson, redactText } from "../redact.ts";
import { boundRefusals } from "./refusals.server.ts";

/** Something that happened, as whoever records it says it. */
export interface NewAuditEntry {
  readonly projectId: string;
  /** Who did it: a person, a system, or a function of ours. */
  readonly actor: string;
  /** Such as `effect.confirmed`. */
  readonly action: string;
  /** Id of what was acted on. */
  readonly subject: string;
  /** JSON. Redacted before it is hashed; texts over 4,000 characters are cut. */
  readonly payload: Readonly<Record<string, unknown>>;
  /**
   * Every text of the payload was refused where it looks like a secret, so it is kept as it is: redacted as a whole, one name
   * beside another, or below it, can be taken for a password.
   */
  readonly harmless?: true | undefined;
  /** Same key, same entry: with one that the project has already nothing is written. */
  readonly key?: string | undefined;
}

/** As long as a note may be. */
const MAX_TEXT = 4000;

/** Appends one entry to its project's chain; see {@link appendAudits}. */
export async function appendAudit(entry: NewAuditEntry, tx: Tx): Promise<void> {
  await appendAudits([entry], tx);
}

/** Appends entries that record nothing else in the database, in a transaction of their own. */
export async function recordAudits(entries: readonly NewAuditEntry[]): Promise<void> {
  await db().transaction((tx) => appendAudits(entries, tx));
}

/**
 * Appends entries to the chain of their project, in the transaction of what they record: both stay or neither. One lock,
 * one read, one insert for all of them. Writers of one project wait for each other until their transaction ends, so this
 * is the last thing a transaction does, and it touches one project. Of refusals no more than some are written ({@link boundRefusals}).
 * The transaction is READ COMMITTED: what is read after the lock is then what the last writer left.
 */
export async function appendAudits(entries: readonly NewAuditEntry[], tx: Tx): Promise<void> {
  const [first] = entries;
  if (!first) return;
  const { projectId } = first;
  if (entries.some((entry) => entry.projectId !== projectId)) {
    throw new TypeError("audit entries of several projects in one call");
  }
  const written = entries.map(storable);
  const recordedAt = await lockChain(projectId, tx);
  const { last, known } = await readEnd(projectId, written, tx);
  const rows: (typeof auditEntries.$inferInsert)[] = [];
  const fresh = written.filter(({ key }) => {
    if (key === null) return true;
    if (known.has(key)) return false;
    known.add(key);
    return true;
  });
  let { seq, hash } = last;
  for (const entry of await boundRefusals(fresh, tx)) {
    const prevHash = hash;
    seq += 1;
    hash = entryHash({ ...entry, seq, prevHash, recordedAt });
    rows.push({
      ...entry,
      id: newId("audit"),
      seq,
      prevHash,
      hash,
      recordedAt: new Date(recordedAt),
    });
  }
  if (rows.length > 0) await tx.insert(auditEntries).values(rows);
}

/** Redacted, and free of what PostgreSQL's text and jsonb do not take: NUL and halves of surrogate pairs. */
function storable(
  entry: NewAuditEntry,
): Omit<AuditEntry, "seq" | "prevHash" | "hash" | "recordedAt"> {
  const { projectId, actor, action, subject, harmless, key } = entry;
  // Through JSON first: a Date is hashed as the text that it is stored as, an undefined field is none.
  const payload: AuditEntry["payload"] = JSON.parse(JSON.stringify(entry.payload));
  const text = (value: string) => storableText(redactText(value));
  return {
    projectId,
    actor: text(actor),
    action,
    subject: text(subject),
    key: key === undefined ? null : text(key),
    payload: storableJson(harmless ? payload : redactJson(payload)),
  };
}

function storableJson(payload: AuditEntry["payload"]): AuditEntry["payload"] {
  return JSON.parse(JSON.stringify(payload), (_, value) => {
    if (typeof value === "string") return storableText(value);
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [storableText(k), v]));
  });
}

function storableText(text: string): string {
  const cut = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length})` : text;
  return cut.replaceAll("\0", "\ufffd").toWellFormed();
}

/** Waits for the other writers of the project. Returns the time by the database's clock, so that all writers share one. */
async function lockChain(projectId: string, tx: Tx): Promise<string> {
  const { rows } = await tx.execute<{ ms: string }>(sql`
    select pg_advisory_xact_lock(hashtextextended(${`audit:${projectId}`}, 0)),
      floor(extract(epoch from clock_timestamp()) * 1000)::bigint::text as ms`);
  const [row] = rows;
  if (!row) throw new Error("a SELECT without FROM returned no row");
  return new Date(Number(row.ms)).toISOString();
}

/** The last link, and which of the keys are there already, in one statement. */
async function readEnd(
  projectId: string,
  entries: readonly Pick<AuditEntry, "key">[],
  tx: Tx,
): Promise<{ last: Pick<AuditEntry, "seq" | "hash">; known: Set<string> }> {
  const { seq, hash, key } = auditEntries;
  const keys = entries.flatMap((entry) => entry.key ?? []);
  const lastSeq = sql`(select max(${seq}) from ${auditEntries} where ${auditEntries.projectId} = ${projectId})`;
  const rows = await tx
    .select({ seq, hash, key })
    .from(auditEntries)
    .where(
      and(
        eq(auditEntries.projectId, projectId),
        keys.length > 0 ? or(eq(seq, lastSeq), inArray(key, keys)) : eq(seq, lastSeq),
      ),
    )
    .orderBy(desc(seq));
  const known = new Set(rows.flatMap((row) => row.key ?? []));
  return { last: rows[0] ?? { seq: 0, hash: GENESIS }, known };
}

/** Most entries that one read gives: some 500 KB. */
export const AUDIT_PAGE = 1000;

/** The entries of a project that follow `after` (0: from the first), in order, at most {@link AUDIT_PAGE}. */
export async function readAudit(
  { projectId, after, limit = AUDIT_PAGE }: { projectId: string; after: number; limit?: number },
  executor: Executor = db(),
): Promise<AuditEntry[]> {
  const rows = await executor
    .select()
    .from(auditEntries)
    .where(and(eq(auditEntries.projectId, projectId), gt(auditEntries.seq, after)))
    .orderBy(asc(auditEntries.seq))
    .limit(Math.min(limit, AUDIT_PAGE));
  return rows.map(toEntry);
}

/** More than any run writes; some 50 MB. */
const MAX_RUN_ENTRIES = 50_000;
const ENDED = new Set(["run.succeeded", "run.failed", "run.canceled"]);

/**
 * Everything that was recorded about a run, its approvals and its effects since it was asked for, in order; also what was
 * refused about them and so does not name the run (`isAbout`). Empty when there is no such run in the project. Throws Conflict when
 * it would be too much: an account with a part left out is none.
 */
export async function readRunAudit(
  { projectId, runId }: { projectId: string; runId: string },
  executor: Executor = db(),
): Promise<AuditEntry[]> {
  const { seq, subject, payload } = auditEntries;
  const read = async (where: SQL | undefined) => {
    const rows = await executor
      .select()
      .from(auditEntries)
      .where(and(eq(auditEntries.projectId, projectId), where))
      .orderBy(asc(seq))
      .limit(MAX_RUN_ENTRIES + 1);
    if (rows.length <= MAX_RUN_ENTRIES) return rows;
    const what = `More than ${MAX_RUN_ENTRIES} audit entries are about ${runId}: export the chain of its project.`;
    throw new Conflict("run_audit_too_long", what);
  };
  const own = await read(and(eq(subject, runId), like(auditEntries.action, "run.%")));
  const [begin, last] = [own[0], own.at(-1)];
  if (!begin || !last) return [];
  // Nothing new is planned before a run begins or after it ends: in between the chain is read by its index.
  const end = ENDED.has(last.action) ? last.seq : Number.MAX_SAFE_INTEGER;
  const named = await read(and(between(seq, begin.seq, end), sql`${payload}->>'runId' = ${runId}`));
  const subjects = [...new Set(named.map((row) => row.subject))];
  const about = sql`coalesce(${payload}->>'runId', ${runId}) = ${runId}`;
  return (await read(and(inArray(subject, subjects), gte(seq, begin.seq), about))).map(toEntry);
}

/**
 * Projects whose chain has grown since the entry that records its last checkpoint, `limit` at most, in no order: where there are
 * more each time, none is always left over. One look into the index for each project that has a chain, whatever its length.
 */
export async function projectsToCheckpoint(
  { limit }: { limit: number },
  executor: Executor = db(),
): Promise<string[]> {
  const { rows } = await executor.execute<{ project_id: string }>(sql`
    with recursive chains as (
      (select project_id from audit_entries order by project_id limit 1)
      union all
      select (select e.project_id from audit_entries e where e.project_id > chains.project_id order by e.project_id limit 1)
      from chains where chains.project_id is not null
    )
    select chains.project_id from chains
    cross join lateral (
      select e.seq, e.action, e.payload from audit_entries e
      where e.project_id = chains.project_id order by e.seq desc limit 1
    ) last
    where not (last.action = ${CHECKPOINTED} and (last.payload->>'seq')::bigint = last.seq - 1)
    order by random()
    limit ${limit}`);
  return rows.map((row) => row.project_id);
}

/** The action that records that a checkpoint was written. */
export const CHECKPOINTED = "audit.checkpointed";

function toEntry(row: typeof auditEntries.$inferSelect): AuditEntry {
  const { id: _, recordedAt, ...entry } = row;
  return { ...entry, recordedAt: recordedAt.toISOString() };
}
