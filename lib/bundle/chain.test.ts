import fc from "fast-check";
import { expect, test } from "vitest";
import { type AuditEntry, entryHash, GENESIS } from "../audit/entry.ts";
import { chainOf, linkOf } from "./chain.ts";
import { checkChain } from "./check-chain.ts";
import type { Contents } from "./contents.ts";
import type { AuditLine } from "./format.ts";

/** A chain in which the entries of one run lie where `own` says, between those of others. */
function chain(own: readonly boolean[]): AuditEntry[] {
  let prevHash = GENESIS;
  let asked = false;
  return own.map((mine, i) => {
    const runId = mine ? "mine" : "other";
    const action = mine && !asked ? "run.requested" : "run.running";
    asked ||= mine;
    const entry = {
      ...{ projectId: "p", seq: i + 1, actor: "a", action, subject: runId, key: null },
      ...{ payload: { runId, i }, prevHash, recordedAt: "2026-01-01T00:00:00.000Z" },
    };
    prevHash = entryHash(entry);
    return { ...entry, hash: prevHash };
  });
}

async function sliced(own: readonly boolean[]): Promise<{ all: AuditEntry[]; lines: AuditLine[] }> {
  const all = chain(own);
  const mine = all.filter(({ subject }) => subject === "mine");
  const lines = await chainOf(mine, async (from, to) =>
    all.slice(from - 1, to).map(({ seq, prevHash, hash }) => ({ seq, prevHash, hash })),
  );
  return { all, lines };
}

function check(lines: readonly AuditLine[], all: readonly AuditEntry[]) {
  const last = all.findLast(({ subject }) => subject === "mine");
  const run = { id: "mine", projectId: "p", cut: { seq: last?.seq, hash: last?.hash } };
  return checkChain({ run, lines } as unknown as Contents);
}

const places = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant([false]) },
      fc.constant([true]),
      fc.constant(Array<boolean>(130).fill(false)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => [...parts.flat(), true]);

test("a slice hangs together, has the run's entries whole and says nothing of others", async () => {
  await fc.assert(
    fc.asyncProperty(places, async (own) => {
      const { all, lines } = await sliced(own);
      expect(check(lines, all)).toMatchObject({ outcome: "ok" });
      const whole = lines.flatMap((line) => ("entry" in line ? line.entry : []));
      expect(whole).toEqual(all.filter(({ subject }) => subject === "mine"));
      expect(JSON.stringify(lines)).not.toContain('"other"');
      // Of every stretch, long ones too, each end is the end of one in the chain itself.
      for (const { from, to, prevHash, hash } of lines.flatMap((line) => linkOf(line) ?? [])) {
        expect(all[from - 1]?.prevHash).toBe(prevHash);
        expect(all[to - 1]?.hash).toBe(hash);
      }
    }),
    { numRuns: 60 },
  );
});

test("a slice from which a line was taken, or in which one is another or elsewhere, does not hang together", async () => {
  await fc.assert(
    fc.asyncProperty(
      places,
      fc.nat(),
      fc.constantFrom("drop", "swap", "payload", "hash"),
      async (own, n, how) => {
        const { all, lines } = await sliced(own);
        const at = n % lines.length;
        const line = lines[at];
        const next = lines[at + 1];
        if (how === "swap" && !next) return;
        if (how === "payload" && !(line && "entry" in line)) return;
        const lie = structuredClone(lines);
        if (how === "drop") lie.splice(at, 1);
        if (how === "swap" && line && next) lie.splice(at, 2, next, line);
        const changed = lie[at];
        if (how === "payload" && changed && "entry" in changed) changed.entry.payload.i = -1;
        if (how === "hash" && changed) {
          const link = linkOf(changed);
          if (link && "entry" in changed) changed.entry.hash = GENESIS;
          if (link && "stub" in changed) changed.stub.hash = GENESIS;
          if (link && "gap" in changed) changed.gap.hash = GENESIS;
        }
        expect(check(lie, all)).toMatchObject({ outcome: "failed" });
      },
    ),
    { numRuns: 100 },
  );
});

test("a chain that has a hole where a stub should be is no chain", async () => {
  const mine = chain([true, false, true]).filter(({ subject }) => subject === "mine");
  await expect(chainOf(mine, async () => [])).rejects.toThrow("a hole in 2 to 2");
});
