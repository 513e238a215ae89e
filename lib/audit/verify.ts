import { type Checkpoint, checkpointProblem, type PublicKeys } from "./checkpoint.ts";
import { type AuditEntry, entryHash, GENESIS } from "./entry.ts";

/** A project's chain as it is handed out: all that verification needs. */
export interface AuditExport {
  readonly projectId: string;
  /** From the first to the last, by `seq`. */
  readonly entries: readonly AuditEntry[];
  readonly checkpoints?: readonly Checkpoint[] | undefined;
}

/**
 * What is wrong with the entry at `firstBad`:
 * `changed` is not what was hashed; `missing` is not there; `inserted` was not there; `reordered` stood elsewhere;
 * `foreign` belongs to another project; `truncated`: a checkpoint has seen it, but the chain ends before it;
 * `checkpoint_mismatch`: the chain is whole in itself, but a checkpoint has seen another one; `checkpoint_invalid`: the
 * checkpoint of that seq was not signed by a key that was given, or is not of this project.
 */
export type Tampering =
  | "changed"
  | "missing"
  | "inserted"
  | "reordered"
  | "foreign"
  | "truncated"
  | "checkpoint_mismatch"
  | "checkpoint_invalid";

export type Verdict =
  | {
      readonly ok: true;
      readonly entries: number;
      readonly lastHash: string;
      /** Up to where a checkpoint vouches; 0 without any. What comes after may have been cut off unseen. */
      readonly vouchedSeq: number;
      /** Whether the checkpoints' signatures were checked, which takes a public key. */
      readonly signed: boolean;
    }
  | { readonly ok: false; readonly firstBad: number; readonly reason: Tampering };

interface Problem {
  readonly firstBad: number;
  readonly reason: Tampering;
}

/**
 * Recomputes a whole chain offline, and holds it against signed checkpoints from outside the database, which alone show
 * that its tail was rewritten or cut off. Names the first entry that is not what was written: what lies before it hangs
 * together. A rewritten tail is named by the first checkpoint that contradicts it: it begins there or earlier, but after
 * the checkpoint before.
 * @param keys public keys by key id; without any, checkpoints are taken at their word
 */
export function verifyAudit(chain: AuditExport, keys?: PublicKeys): Verdict {
  const { projectId, entries } = chain;
  const checkpoints = (chain.checkpoints ?? []).toSorted((a, b) => a.seq - b.seq);
  const broken = checkLinks(entries, { projectId, seq: 0, hash: GENESIS });
  const contradicted = checkCheckpoints(entries, checkpoints, projectId, keys);
  const problem = first(broken, contradicted);
  if (problem) return { ok: false, ...problem };
  return {
    ok: true,
    entries: entries.length,
    lastHash: entries.at(-1)?.hash ?? GENESIS,
    vouchedSeq: checkpoints.at(-1)?.seq ?? 0,
    signed: keys !== undefined && checkpoints.length > 0,
  };
}

/** The earlier of two; what is broken in itself says more than a checkpoint, which sees it too. */
function first(broken: Problem | null, contradicted: Problem | null): Problem | null {
  if (!broken || !contradicted) return broken ?? contradicted;
  return contradicted.firstBad < broken.firstBad ? contradicted : broken;
}

/**
 * Checks that `entries` follow each other and the entry `after`, whose hash is known to be right. Null when they do.
 * Also for a part of a chain, so that a long one can be checked page by page.
 */
export function checkLinks(
  entries: readonly AuditEntry[],
  after: { readonly projectId: string; readonly seq: number; readonly hash: string },
): Problem | null {
  let { seq, hash } = after;
  for (const [i, entry] of entries.entries()) {
    seq += 1;
    if (entry.projectId !== after.projectId) return { firstBad: entry.seq, reason: "foreign" };
    if (entry.seq !== seq) return misplaced(entries, entry, seq);
    if (entries[i + 1]?.seq === seq) return { firstBad: seq, reason: "inserted" };
    if (!hashes(entry)) return moved(entries, entry);
    if (entry.prevHash !== hash) return unlinked(entries, i);
    hash = entry.hash;
  }
  return null;
}

/** Whether the entry is what its hash was made of. */
function hashes(entry: AuditEntry, seq = entry.seq): boolean {
  try {
    return entryHash({ ...entry, seq }) === entry.hash;
  } catch {
    // What has no canonical form was never hashed, so it is not what the hash was made of.
    return false;
  }
}

/** Another number than the next one: an entry that is there twice, stands elsewhere, or is gone. */
function misplaced(entries: readonly AuditEntry[], entry: AuditEntry, expected: number): Problem {
  if (entry.seq < expected) return { firstBad: entry.seq, reason: "inserted" };
  const elsewhere = entries.some(({ seq }) => seq === expected);
  return { firstBad: expected, reason: elsewhere ? "reordered" : "missing" };
}

/** An entry whose hash does not hold was changed, if only in its number: then it still hashes with the one it had. */
function moved(entries: readonly AuditEntry[], entry: AuditEntry): Problem {
  const { seq } = entry;
  const predecessor = entries.find(({ hash }) => hash === entry.prevHash);
  if (hashes(entry, seq - 1)) return { firstBad: seq - 1, reason: "inserted" };
  if (hashes(entry, seq + 1)) {
    return { firstBad: seq, reason: predecessor ? "reordered" : "missing" };
  }
  const reordered = predecessor !== undefined && hashes(entry, predecessor.seq + 1);
  return { firstBad: seq, reason: reordered ? "reordered" : "changed" };
}

/**
 * Two neighbours that are each whole and do not fit: one was changed and hashed again. It was the first, unless nothing
 * that follows speaks for the second.
 */
function unlinked(entries: readonly AuditEntry[], i: number): Problem {
  const entry = entries[i];
  const seq = entry?.seq ?? 0;
  const next = entries[i + 1];
  const confirmed = next === undefined || next.prevHash === entry?.hash;
  return { firstBad: confirmed && i > 0 ? seq - 1 : seq, reason: "changed" };
}

function checkCheckpoints(
  entries: readonly AuditEntry[],
  checkpoints: readonly Checkpoint[],
  projectId: string,
  keys: PublicKeys | undefined,
): Problem | null {
  const bySeq = new Map(entries.map((entry) => [entry.seq, entry.hash]));
  const last = entries.at(-1)?.seq ?? 0;
  for (const checkpoint of checkpoints) {
    const { seq, hash } = checkpoint;
    if (checkpoint.projectId !== projectId || (keys && checkpointProblem(checkpoint, keys))) {
      return { firstBad: seq, reason: "checkpoint_invalid" };
    }
    if (seq > last) return { firstBad: last + 1, reason: "truncated" };
    const found = bySeq.get(seq);
    if (found !== undefined && found !== hash) {
      return { firstBad: seq, reason: "checkpoint_mismatch" };
    }
  }
  return null;
}
