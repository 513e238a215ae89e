import { sql } from "drizzle-orm";
import { bigint, check, index, jsonb, pgTable, text, unique } from "drizzle-orm/pg-core";
import { id, instant } from "./columns.ts";

/**
 * The hash chain of a project. Nothing here references another table: the account of what was done must survive
 * the rows that it is about, the project's own included. Triggers forbid UPDATE, DELETE and TRUNCATE and hold an
 * INSERT to the next `seq` and the last `hash`, so a gap or a fork cannot be written by any code path.
 */
export const auditEntries = pgTable(
  "audit_entries",
  {
    id: id(),
    projectId: text("project_id").notNull(),
    seq: bigint("seq", { mode: "number" }).notNull(),
    actor: text("actor").notNull(),
    action: text("action").notNull(),
    /** Id of what was acted on. */
    subject: text("subject").notNull(),
    /** Made of the event that caused it, where a retried step could write it twice; null where the rows themselves forbid that. */
    key: text("key"),
    payload: jsonb("payload").$type<Record<string, unknown>>().notNull(),
    /** 64 zeros for the first entry. */
    prevHash: text("prev_hash").notNull(),
    hash: text("hash").notNull(),
    /** Inside the hash, so set by the writer and not by a default. */
    recordedAt: instant("recorded_at").notNull(),
  },
  (t) => [
    unique("audit_entries_seq_key").on(t.projectId, t.seq),
    unique("audit_entries_key_key").on(t.projectId, t.key),
    index("audit_entries_subject_idx").on(t.subject),
    check("audit_entries_seq_check", sql`${t.seq} > 0`),
    check(
      "audit_entries_hash_check",
      sql`${t.hash} ~ '^[0-9a-f]{64}$' and ${t.prevHash} ~ '^[0-9a-f]{64}$'`,
    ),
  ],
);
