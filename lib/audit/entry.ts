import * as z from "zod";
import { canonicalJson, sha256 } from "../canonical.ts";

/** What the first entry of a chain has in place of the hash before it. */
export const GENESIS = "0".repeat(64);

const hash = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits");

/** One link of a project's chain as it is exported and verified: everything that is hashed, and the hash. */
export const auditEntrySchema = z.strictObject({
  projectId: z.string(),
  /** From 1, without gaps. */
  seq: z.int().min(1),
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  /** Made of what caused it, where a repeated step could have written it twice. */
  key: z.string().nullable(),
  payload: z.record(z.string(), z.unknown()),
  prevHash: hash,
  hash,
  /** UTC with milliseconds, the one form that `Date.toISOString` writes. */
  recordedAt: z.iso.datetime({ precision: 3 }),
});

export type AuditEntry = z.infer<typeof auditEntrySchema>;

/**
 * Whether an entry is about a run: it names the run, or it names none and stands under something of the run's, as what was
 * refused about that does. One that names another run is about that one, also where both have to do with the same thing.
 * @param subjects what entries that name the run are about
 */
export function isAbout(
  runId: string,
  subjects: { has(subject: string): boolean },
  { subject, payload }: Pick<AuditEntry, "subject" | "payload">,
): boolean {
  return typeof payload.runId === "string" ? payload.runId === runId : subjects.has(subject);
}

/** Whether an entry says what became of the run itself. What was refused may stand under any id that an event named. */
export function isOfRun(runId: string, { subject, action }: AuditEntry): boolean {
  return subject === runId && action.startsWith("run.");
}

/**
 * SHA-256 over the canonical JSON (RFC 8785) of all fields but the hash itself. The row's id is not in it: it names the
 * row and says nothing about what happened. Throws TypeError on what JSON cannot say.
 */
export function entryHash(entry: Omit<AuditEntry, "hash">): string {
  const { projectId, seq, actor, action, subject, key, payload, prevHash, recordedAt } = entry;
  return sha256(
    canonicalJson({ projectId, seq, actor, action, subject, key, payload, prevHash, recordedAt }),
  );
}
