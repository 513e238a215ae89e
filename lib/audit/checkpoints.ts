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

interface Problem {
  readonly firstBad: number;
  readonly reason: Tampering;
}

/**
 * Signs what the chain of a project has become, and keeps that in the blob store, which who changes the database does not
 * reach: `latest.json`, which is the newest, and `audit/<project>/<seq>.json`, written once. Before that the new part
 * is verified and held against the checkpoint before: a chain that was tampered with gets none, and an error in the log.
 * Can be repeated. Throws InvalidInput without AUDIT_SIGNING_KEY.
 */
export async function checkpointProject(projectId: string): Promise<Checkpointed> {
  const latest = await latestCheckpoint(projectId);
  const grown = (latest && (await number(latest))) ?? (await checkSince(projectId, latest));
  if ("reason" in grown) return broken(projectId, grown);
  const { last } = grown;
  if (!last || recordsCheckpoint(last)) return { outcome: "unchanged" };
  const { seq, hash } = last;
  // Otherwise it was kept before, but the process died before that was recorded.
  if (seq !== latest?.seq) {
    const at = new Date().toISOString();
    const facts = { projectId, seq, hash, at, previous: latest?.seq ?? null };
    const kept = await keep(signCheckpoint(facts));
    if (!kept) return { outcome: "unchanged" };
    if (kept.hash !== hash) return broken(projectId, mismatch(seq));
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
  const numbered = await read(keyOf(projectId, seq));
  if (numbered) return numbered;
  const latest = await latestCheckpoint(projectId);
  return latest?.seq === seq ? latest : null;
}

function broken(projectId: string, problem: Problem): Checkpointed {
  log.error("the audit chain of a project is broken", { projectId, ...problem });
  return { outcome: "broken", ...problem };
}

const mismatch = (seq: number): Problem => ({ firstBad: seq, reason: "checkpoint_mismatch" });

/** Reads on from the entry that the checkpoint is about, which has to be there still, and checks every link. */
async function checkSince(
  projectId: string,
  checkpoint: Checkpoint | null,
): Promise<{ last: AuditEntry | undefined } | Problem> {
  let last: AuditEntry | undefined;
  if (checkpoint) {
    const { seq, hash } = checkpoint;
    [last] = await readAudit({ projectId, after: seq - 1, limit: 1 });
    if (!last) return { firstBad: seq, reason: "truncated" };
    if (last.seq !== seq) return { firstBad: seq, reason: "missing" };
    if (last.hash !== hash) return mismatch(seq);
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

/**
 * Keeps it as `latest` first, which is what the chain is held against: were it numbered first and the process died then, nothing
 * would lead to it once the chain has grown, and what came before it could be written anew. Gives what is kept
 * about that entry, which stays when it is there already; null when `latest` is about a later one, as another try was quicker.
 */
async function keep(checkpoint: Checkpoint): Promise<Checkpoint | null> {
  const { projectId, seq } = checkpoint;
  // Versions before this one numbered it first, and may have died then.
  const numbered = await read(keyOf(projectId, seq));
  // Read again right before it is written: signing and reading the chain may have taken long.
  const latest = await latestCheckpoint(projectId);
  if (latest && latest.seq > seq) return null;
  const kept = numbered ?? (latest?.seq === seq ? latest : checkpoint);
  if (kept.hash !== checkpoint.hash) return kept;
  if (latest?.seq !== seq) await write(keyOf(projectId, "latest"), kept);
  if (!numbered) await write(keyOf(projectId, seq), kept);
  return kept;
}

/** Numbers the newest one where the process died before; what is numbered already has to be about the same entry. */
async function number(latest: Checkpoint): Promise<Problem | null> {
  const { projectId, seq, hash } = latest;
  const numbered = await read(keyOf(projectId, seq));
  if (!numbered) await write(keyOf(projectId, seq), latest);
  return numbered && numbered.hash !== hash ? mismatch(seq) : null;
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
