import type { AuditEntry } from "../audit/entry.ts";
import type { AuditLine } from "./format.ts";

/** A stretch of others' entries that is longer is one line. */
const MAX_STRETCH = 100;
/** So many stubs, some 4 MB; after that every stretch is one line. */
const MAX_STUBS = 20_000;

/** Reads hashes of a stretch of the chain, both ends included. */
export type ReadLinks = (
  from: number,
  to: number,
) => Promise<readonly { seq: number; prevHash: string; hash: string }[]>;

/**
 * A run's part of its project's chain, from its first entry to its last: its own entries whole, those of others between
 * them by their hashes alone, so that the whole hangs together and says nothing of other runs. Throws Error when a stub
 * that should be there is not.
 * @param own the run's entries by seq, at least one
 */
export async function chainOf(
  own: readonly AuditEntry[],
  readLinks: ReadLinks,
): Promise<AuditLine[]> {
  const lines: AuditLine[] = [];
  let stubs = 0;
  for (const [i, entry] of own.entries()) {
    const before = own[i - 1];
    if (before && entry.seq > before.seq + 1) {
      const [from, to] = [before.seq + 1, entry.seq - 1];
      const length = to - from + 1;
      if (length > MAX_STRETCH || stubs + length > MAX_STUBS) {
        lines.push({ gap: { from, to, prevHash: before.hash, hash: entry.prevHash } });
      } else {
        const links = await readLinks(from, to);
        if (links.length !== length) throw new Error(`the chain has a hole in ${from} to ${to}`);
        lines.push(...links.map((stub) => ({ stub })));
        stubs += length;
      }
    }
    lines.push({ entry });
  }
  return lines;
}

/** What a line says of the place that it has in the chain; null for a checkpoint, which has none. */
export function linkOf(
  line: AuditLine,
): { from: number; to: number; prevHash: string; hash: string } | null {
  if ("checkpoint" in line) return null;
  if ("gap" in line) return line.gap;
  const { seq, prevHash, hash } = "entry" in line ? line.entry : line.stub;
  return { from: seq, to: seq, prevHash, hash };
}
