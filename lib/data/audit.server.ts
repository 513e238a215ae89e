import { and, desc, eq, inArray, or, sql } from "drizzle-orm";
import type { Tx } from "#db/client.ts";
import { auditEntries } from "#db/schema.ts";
import { type AuditEntry, entryHash, GENESIS } from "../audit/entry.ts";
import { newId } from "../ids.ts";
import { redactJson, redactText } from "../redact.ts";

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
  /** Same key, same entry: with one that the project has already nothing is written. */
  readonly key?: string | undefined;
}

/** As long as a note may be. */
const MAX_TEXT = 4000;

/** Appends one entry to its project's chain; see {@link appendAudits}. */
export async function appendAudit(entry: NewAuditEntry, tx: Tx): Promise<void> {
  await appendAudits([entry], tx);
}

/**
 * Appends entries to the chain of their project, in the transaction of what they record: both stay or neither. One lock,
 * one read, one insert for all of them. Writers of one project wait for each other until their transaction ends, so this
 * is the last thing a transaction does, and it touches one project.
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
  let { seq, hash } = last;
  for (const entry of written) {
    if (entry.key !== null) {
      if (known.has(entry.key)) continue;
      known.add(entry.key);
    }
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
  const { projectId, actor, action, subject, payload, key } = entry;
  const text = (value: string) => storableText(redactText(value));
  return {
    projectId,
    actor: text(actor),
    action,
    subject: text(subject),
    key: key === undefined ? null : text(key),
    // Through JSON first: a Date is hashed as the text that it is stored as, an undefined field is none.
    payload: storableJson(redactJson(JSON.parse(JSON.stringify(payload)))),
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
