import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Checkpoint, publicKeys, signCheckpoint } from "./checkpoint.ts";
import { type AuditEntry, entryHash, GENESIS } from "./entry.ts";
import { verifyAudit } from "./verify.ts";

const keyPair = () => generateKeyPairSync("ed25519");
const ours = keyPair();
const pem = (key: ReturnType<typeof keyPair>["publicKey"]) =>
  key.export({ type: "spki", format: "pem" }).toString();
const keys = publicKeys(pem(ours.publicKey));

const before = process.env.AUDIT_SIGNING_KEY;
beforeAll(() => {
  process.env.AUDIT_SIGNING_KEY = ours.privateKey
    .export({ type: "pkcs8", format: "der" })
    .toString("base64");
});
afterAll(() => {
  if (before === undefined) delete process.env.AUDIT_SIGNING_KEY;
  else process.env.AUDIT_SIGNING_KEY = before;
});

const projectId = "proj_1";

/** What `entries` say, as a chain whose hashes hold, from the entry with index `from` on. */
function rehash(entries: readonly AuditEntry[], from = 0): AuditEntry[] {
  const chain = entries.slice(0, from);
  for (const entry of entries.slice(from)) {
    const prevHash = chain.at(-1)?.hash ?? GENESIS;
    const next = { ...entry, seq: chain.length + 1, prevHash };
    chain.push({ ...next, hash: entryHash(next) });
  }
  return chain;
}

function entry(n: number): AuditEntry {
  return {
    ...{
      projectId,
      seq: n,
      actor: "ada",
      action: "effect.confirmed",
      subject: `eff_${n}`,
      key: null,
    },
    payload: { n, externalId: `x${n}` },
    ...{ prevHash: GENESIS, hash: GENESIS },
    recordedAt: new Date(1_700_000_000_000 + n).toISOString(),
  };
}

const chain = (length: number) => rehash(Array.from({ length }, (_, i) => entry(i + 1)));

/** The chain with the entry at index `i` replaced. */
function replaced(entries: AuditEntry[], i: number, more: Partial<AuditEntry>): AuditEntry[] {
  return entries.map((e, at) => (at === i ? { ...e, ...more } : e));
}

function checkpoint(entries: readonly AuditEntry[], seq: number): Checkpoint {
  const hash = entries[seq - 1]?.hash ?? GENESIS;
  return signCheckpoint({ projectId, seq, hash, at: "2026-01-01T00:00:00.000Z", previous: null });
}

const verdict = (entries: AuditEntry[], checkpoints: Checkpoint[] = [], known = keys) =>
  verifyAudit({ projectId, entries, checkpoints }, known);

test("a whole chain holds, an empty one too", () => {
  const entries = chain(9);
  const lastHash = entries[8]?.hash;
  expect(verdict(entries)).toEqual({
    ok: true,
    entries: 9,
    lastHash,
    vouchedSeq: 0,
    signed: false,
  });
  expect(verdict(entries, [checkpoint(entries, 7)])).toMatchObject({ vouchedSeq: 7, signed: true });
  expect(verdict([])).toMatchObject({ ok: true, entries: 0, lastHash: GENESIS });
});

describe("tampering is named with the first bad entry", () => {
  const whole = chain(9);
  const forged = { ...entry(5), subject: "forged" };
  const cases: [string, AuditEntry[], number, string][] = [
    ["an action", replaced(whole, 4, { action: "effect.failed" }), 5, "changed"],
    ["an actor", replaced(whole, 0, { actor: "eve" }), 1, "changed"],
    ["a payload", replaced(whole, 8, { payload: { n: 9 } }), 9, "changed"],
    ["a time", replaced(whole, 4, { recordedAt: "2026-01-01T00:00:00.000Z" }), 5, "changed"],
    ["a key", replaced(whole, 4, { key: "k" }), 5, "changed"],
    ["a hash", replaced(whole, 4, { hash: "f".repeat(64) }), 5, "changed"],
    ["a link", replaced(whole, 4, { prevHash: "f".repeat(64) }), 5, "changed"],
    ["what has no canonical form", replaced(whole, 4, { actor: "\ud800" }), 5, "changed"],
    ["a project", replaced(whole, 4, { projectId: "proj_2" }), 5, "foreign"],
    [
      "an entry that is hashed again",
      whole.map((e, i) =>
        i === 4 ? { ...e, actor: "eve", hash: entryHash({ ...e, actor: "eve" }) } : e,
      ),
      5,
      "changed",
    ],
    [
      "the last but one, hashed again",
      whole.map((e, i) =>
        i === 7 ? { ...e, actor: "eve", hash: entryHash({ ...e, actor: "eve" }) } : e,
      ),
      8,
      "changed",
    ],
    ["deleted", whole.toSpliced(4, 1), 5, "missing"],
    ["the first deleted", whole.slice(1), 1, "missing"],
    ["several deleted", whole.toSpliced(2, 3), 3, "missing"],
    ["deleted, the others renumbered", renumbered(whole.toSpliced(4, 1)), 5, "missing"],
    ["inserted with a number that is there", whole.toSpliced(4, 0, forged), 5, "inserted"],
    ["inserted behind it", whole.toSpliced(5, 0, forged), 5, "inserted"],
    [
      "inserted with the right hash",
      whole.toSpliced(5, 0, rehash([...whole.slice(0, 4), forged], 4).at(-1) ?? forged),
      5,
      "inserted",
    ],
    [
      "inserted, the others renumbered",
      renumbered(rehash([...whole.slice(0, 4), forged], 4).concat(whole.slice(4))),
      5,
      "inserted",
    ],
    ["appended with any hash", [...whole, { ...forged, seq: 10 }], 10, "changed"],
    [
      "two that changed places",
      whole.with(3, whole[6] ?? forged).with(6, whole[3] ?? forged),
      4,
      "reordered",
    ],
    [
      "two that changed numbers",
      renumbered(whole.with(3, whole[6] ?? forged).with(6, whole[3] ?? forged)),
      4,
      "reordered",
    ],
    [
      "neighbours that changed numbers",
      renumbered(whole.with(3, whole[4] ?? forged).with(4, whole[3] ?? forged)),
      4,
      "reordered",
    ],
  ];
  test.each(cases)("%s", (_, entries, firstBad, reason) => {
    expect(verdict(entries)).toEqual({ ok: false, firstBad, reason });
    // A checkpoint of the whole chain sees it too, and does not name another entry.
    expect(verdict(entries, [checkpoint(whole, 9)])).toMatchObject({ ok: false, firstBad });
  });

  function renumbered(entries: AuditEntry[]): AuditEntry[] {
    return entries.map((e, i) => ({ ...e, seq: i + 1 }));
  }
});

describe("a checkpoint sees what the chain alone cannot show", () => {
  const whole = chain(9);

  test("a tail that was cut off", () => {
    expect(verdict(whole.slice(0, 6))).toMatchObject({ ok: true });
    expect(verdict(whole.slice(0, 6), [checkpoint(whole, 5)])).toMatchObject({ ok: true });
    expect(verdict(whole.slice(0, 6), [checkpoint(whole, 8)])).toEqual({
      ok: false,
      firstBad: 7,
      reason: "truncated",
    });
    expect(verdict([], [checkpoint(whole, 8)])).toMatchObject({ firstBad: 1, reason: "truncated" });
  });

  test("a tail that was written anew, from the first checkpoint that contradicts it", () => {
    const rewritten = rehash(replaced(whole, 5, { actor: "eve" }), 5);
    expect(verdict(rewritten)).toMatchObject({ ok: true });
    const checkpoints = [8, 3, 9].map((seq) => checkpoint(whole, seq));
    const mismatch = { ok: false, firstBad: 8, reason: "checkpoint_mismatch" };
    expect(verdict(rewritten, checkpoints)).toEqual(mismatch);
    expect(verifyAudit({ projectId, entries: rewritten, checkpoints })).toEqual(mismatch);
  });

  test("unless it is none: forged, of another key, of another project", () => {
    const good = checkpoint(whole, 8);
    const invalid = { ok: false, firstBad: 8, reason: "checkpoint_invalid" };
    expect(verdict(whole, [{ ...good, at: "2026-01-02T00:00:00.000Z" }])).toEqual(invalid);
    expect(verdict(whole, [{ ...good, signature: "" }])).toEqual(invalid);
    expect(verdict(whole, [{ ...good, projectId: "proj_2" }])).toEqual(invalid);
    expect(verdict(whole, [good], publicKeys(pem(keyPair().publicKey)))).toEqual(invalid);
    // One key more, as after a change of keys.
    const both = publicKeys(pem(keyPair().publicKey), pem(ours.publicKey));
    expect(verdict(whole, [good], both)).toMatchObject({ ok: true });
  });
});

test("no tampering passes, wherever and whatever it is", () => {
  const mutation = fc.oneof(
    fc.record({
      do: fc.constant("change" as const),
      field: fc.constantFrom(
        "actor",
        "action",
        "subject",
        "key",
        "hash",
        "prevHash",
        "seq",
        "payload",
      ),
      rehash: fc.boolean(),
    }),
    fc.record({ do: fc.constantFrom("delete" as const, "duplicate" as const, "cut" as const) }),
    fc.record({ do: fc.constant("swap" as const), with: fc.nat(), renumber: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(), mutation, (length, at, how) => {
      const whole = chain(length);
      const i = at % length;
      const entries = tamper(whole, i, how);
      fc.pre(JSON.stringify(entries) !== JSON.stringify(whole));
      const result = verdict(entries, [checkpoint(whole, length)]);
      if (result.ok) throw new Error("passed");
      expect(result.firstBad).toBeLessThanOrEqual(i + 1);
      const first = entries.findIndex((e, n) => JSON.stringify(e) !== JSON.stringify(whole[n]));
      // Of two neighbours that are whole and do not fit nobody can tell which was hashed again, if they are the last.
      const unclear = "rehash" in how && how.rehash ? 1 : 0;
      expect(result.firstBad).toBeGreaterThan(first === -1 ? i : Math.min(first, i) - unclear);
    }),
    { numRuns: 1000 },
  );

  function tamper(
    whole: AuditEntry[],
    i: number,
    how: { do: string; field?: string; rehash?: boolean; with?: number; renumber?: boolean },
  ): AuditEntry[] {
    const target = whole[i];
    if (!target) throw new Error("no such entry");
    switch (how.do) {
      case "delete":
        return whole.toSpliced(i, 1);
      case "duplicate":
        return whole.toSpliced(i, 0, target);
      case "cut":
        return whole.slice(0, i);
      case "swap": {
        const j = (how.with ?? 0) % whole.length;
        const other = whole[j] ?? target;
        const swapped = whole.with(i, other).with(j, target);
        return how.renumber ? swapped.map((e, n) => ({ ...e, seq: n + 1 })) : swapped;
      }
      default: {
        const values = {
          payload: { forged: true },
          seq: 99,
          hash: "e".repeat(64),
          prevHash: "e".repeat(64),
        };
        const changed = {
          ...target,
          [how.field ?? ""]: (values as Record<string, unknown>)[how.field ?? ""] ?? "eve",
        };
        const rehashed = how.rehash && how.field !== "hash";
        return whole.with(i, rehashed ? { ...changed, hash: entryHash(changed) } : changed);
      }
    }
  }
});
