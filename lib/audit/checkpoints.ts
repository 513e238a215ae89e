import { json } from "node:stream/consumers";
import { blobStore } from "../blob/blob.ts";
import { AUDIT_PAGE, CHECKPOINTED, readAudit, recordAudits } from "../data/audit.server.ts";
import { NotFound } from "../errors.ts";
import { log } from "../log.ts";
import { type Checkpoint, checkpointSchema, signCheckpoint } from "./checkpoint.ts";
import { type AuditEntry, GENESIS } from "./entry.ts";
import { checkLinks, type Tampering } from "./verify.ts";

/** Not below the projects' prefix: checkpoints stay when their project is deleted, as its chain does. */
export const CHECKPOINTS = "audit";
/** So much of a chain is checked and vouched for at once, some seconds' work; what is beyond waits for the next time. */
const MAX_PAGES = 50;
/** The newest vouches for all before it; older ones only narrow down where a tail was rewritten. */
const MAX_LISTED = 100;

export type Checkpointed =
  | { outcome: "written"; seq: number }
  | { outcome: "unchanged" }
  | { outcome: "broken"; firstBad: number; reason: Tampering };

/**
 * Signs what the chain of a project has become, and keeps that in the blob store, which who changes the database does not
 * reach: `audit/<project>/<seq>.json`, written once, and `latest.json`, which leads to the newest. Before that the new part
 * is verified and held against the checkpoint before: a chain that was tampered with gets none, and an error in the log.
 * Can be repeated. Throws InvalidInput without AUDIT_SIGNING_KEY.
 */
export async function checkpointProject(projectId: string): Promise<Checkpointed> {
  const latest = await latestCheckpoint(projectId);
  const grown = await checkSince(projectId, latest);
  if ("reason" in grown) {
    log.error("the audit chain of a project is broken", { projectId, ...grown });
    return { outcome: "broken", ...grown };
  }
  const { last } = grown;
  if (!last || recordsCheckpoint(last)) return { outcome: "unchanged" };
  const { seq, hash } = last;
  // Otherwise it was kept before, but the process died before that was recorded.
  if (seq !== latest?.seq) {
    const at = new Date().toISOString();
    await keep(signCheckpoint({ projectId, seq, hash, at, previous: latest?.seq ?? null }));
  }
  const what = { projectId, actor: "countersign", action: CHECKPOINTED, subject: projectId };
  await recordAudits([{ ...what, payload: { seq, hash }, key: `${CHECKPOINTED}:${seq}` }]);
  return { outcome: "written", seq };
}

/** The newest checkpoints of a project, by seq, at most 100; with `from`, those about that entry and later ones. */
export async function listCheckpoints(projectId: string, from = 0): Promise<Checkpoint[]> {
  const found: Checkpoint[] = [];
  let next = await latestCheckpoint(projectId);
  while (next && next.seq >= from && found.length < MAX_LISTED) {
    found.push(next);
    next = next.previous === null ? null : await read(keyOf(projectId, next.previous));
  }
  return found.reverse();
}

/** The checkpoint about this entry; null when there is none. */
export async function readCheckpoint(projectId: string, seq: number): Promise<Checkpoint | null> {
  return await read(keyOf(projectId, seq));
}

/** Reads on from the entry that the checkpoint is about, which has to be there still, and checks every link. */
async function checkSince(
  projectId: string,
  checkpoint: Checkpoint | null,
): Promise<{ last: AuditEntry | undefined } | { firstBad: number; reason: Tampering }> {
  let last: AuditEntry | undefined;
  if (checkpoint) {
    const { seq, hash } = checkpoint;
    [last] = await readAudit({ projectId, after: seq - 1, limit: 1 });
    if (!last) return { firstBad: seq, reason: "truncated" };
    if (last.seq !== seq) return { firstBad: seq, reason: "missing" };
    if (last.hash !== hash) return { firstBad: seq, reason: "checkpoint_mismatch" };
  }
  for (let page = 0; page < MAX_PAGES; page++) {
    const { seq, hash } = last ?? { seq: 0, hash: GENESIS };
    const entries = await readAudit({ projectId, after: seq });
    const problem = checkLinks(entries, { projectId, seq, hash });
    if (problem) return problem;
    last = entries.at(-1) ?? last;
    if (entries.length < AUDIT_PAGE) break;
  }
  return { last };
}

/** Whether the entry does no more than record a checkpoint of the one before: a chain does not grow by being vouched for. */
function recordsCheckpoint({ action, payload, seq }: AuditEntry): boolean {
  return action === CHECKPOINTED && payload.seq === seq - 1;
}

/** The numbered one first: one that is there already stays, and `latest` never leads to one that is not there. */
async function keep(checkpoint: Checkpoint): Promise<void> {
  const { projectId, seq } = checkpoint;
  const key = keyOf(projectId, seq);
  if (!(await blobStore().head(key))) await write(key, checkpoint);
  const kept = await read(key);
  if (kept) await write(keyOf(projectId, "latest"), kept);
}

async function latestCheckpoint(projectId: string): Promise<Checkpoint | null> {
  return await read(keyOf(projectId, "latest"));
}

async function write(key: string, checkpoint: Checkpoint): Promise<void> {
  const content = async function* () {
    yield Buffer.from(JSON.stringify(checkpoint));
  };
  await blobStore().put(key, content());
}

async function read(key: string): Promise<Checkpoint | null> {
  try {
    return checkpointSchema.parse(await json(await blobStore().get(key)));
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}

function keyOf(projectId: string, seq: number | "latest"): string {
  return `${CHECKPOINTS}/${projectId}/${seq}.json`;
}
