import * as z from "zod";
import { InvalidInput } from "../errors.ts";
import { type Checkpoint, checkpointSchema } from "./checkpoint.ts";
import { type AuditEntry, auditEntrySchema, GENESIS } from "./entry.ts";
import type { AuditExport } from "./verify.ts";

// Apart from the writer, so that whoever verifies offline loads nothing of the database.

const lineSchema = z.union([
  z.strictObject({ entry: auditEntrySchema }),
  z.strictObject({ checkpoint: checkpointSchema }),
  z.strictObject({ project: z.strictObject({ projectId: z.string(), format: z.literal(1) }) }),
  z.strictObject({ end: z.strictObject({ entries: z.int().min(0), lastHash: z.string() }) }),
]);

const whole = z.strictObject({
  projectId: z.string(),
  entries: z.array(auditEntrySchema),
  checkpoints: z.array(checkpointSchema).optional(),
});

/**
 * Reads what `exportAudit` wrote, or one JSON object `{projectId, entries, checkpoints?}`. Says nothing about whether
 * it was tampered with: that is `verifyAudit`'s to say.
 * Throws InvalidInput that names the line when it is not in that form, or was cut off, also when lines before its end are gone.
 */
export function readAuditExport(text: string): AuditExport {
  const one = whole.safeParse(parsed(text));
  if (one.success) return one.data;
  const entries: AuditEntry[] = [];
  const checkpoints: Checkpoint[] = [];
  let projectId: string | undefined;
  let end: { entries: number; lastHash: string } | undefined;
  for (const [i, written] of text.split("\n").entries()) {
    if (written === "") continue;
    const { success, data, error } = lineSchema.safeParse(parsed(written));
    if (!success) throw invalid(`line ${i + 1} is not of an export: ${z.prettifyError(error)}`);
    if (end) throw invalid(`line ${i + 1} comes after the end`);
    if ("entry" in data) entries.push(data.entry);
    else if ("checkpoint" in data) checkpoints.push(data.checkpoint);
    else if ("project" in data) projectId = data.project.projectId;
    else end = data.end;
  }
  if (projectId === undefined) throw invalid("it does not say which project it is of");
  if (!end) throw invalid("it was cut off: its last line is not there");
  // The last entry's number, which is how many there were. Without this line nothing tells of entries that no checkpoint has seen.
  const last = entries.at(-1) ?? { seq: 0, hash: GENESIS };
  if (last.seq !== end.entries) {
    throw invalid(`its end is entry ${end.entries}, and the last that is there is ${last.seq}`);
  }
  if (last.hash !== end.lastHash) throw invalid(`its end has another hash than entry ${last.seq}`);
  return { projectId, entries, checkpoints };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Refused by the schema, with the number of the line.
    return undefined;
  }
}

function invalid(why: string): InvalidInput {
  return new InvalidInput("audit_export", `This is no audit export: ${why}.`);
}
