import { asc, eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { auditEntries } from "#db/schema.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { entryHash, GENESIS } from "../audit/entry.ts";
import { newId } from "../ids.ts";
import { appendAudit, appendAudits, type NewAuditEntry } from "./audit.server.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const entry = (projectId: string, more: Partial<NewAuditEntry> = {}): NewAuditEntry => ({
  projectId,
  actor: "ada",
  action: "run.requested",
  subject: "run_1",
  payload: { runId: "run_1" },
  ...more,
});

const append = (...entries: NewAuditEntry[]) => db().transaction((tx) => appendAudits(entries, tx));

const chain = (projectId: string) =>
  db()
    .select()
    .from(auditEntries)
    .where(eq(auditEntries.projectId, projectId))
    .orderBy(asc(auditEntries.seq));

test("twenty writers of one project make one gapless chain whose hashes hold", async () => {
  const projectId = newId("project");
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      append(entry(projectId, { subject: `a${i}` }), entry(projectId, { subject: `b${i}` })),
    ),
  );
  const rows = await chain(projectId);
  expect(rows.map((row) => row.seq)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  let prevHash = GENESIS;
  for (const row of rows) {
    expect(row.prevHash).toBe(prevHash);
    expect(entryHash({ ...row, recordedAt: row.recordedAt.toISOString() })).toBe(row.hash);
    prevHash = row.hash;
  }
  const times = rows.map((row) => row.recordedAt.getTime());
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  // The entries of one call stay together.
  expect(rows.map((row) => row.subject.slice(1)).filter((_, i) => i % 2 === 0)).toEqual(
    rows.map((row) => row.subject.slice(1)).filter((_, i) => i % 2 === 1),
  );
});

test("a key is written once, in one call or by twenty writers", async () => {
  const projectId = newId("project");
  const refusal = entry(projectId, { action: "approval.refused", key: "event-1" });
  await append(refusal, refusal, entry(projectId));
  await Promise.all(Array.from({ length: 20 }, () => append(refusal, entry(projectId))));
  const rows = await chain(projectId);
  expect(rows.filter((row) => row.key === "event-1")).toHaveLength(1);
  expect(rows).toHaveLength(22);
  await append({ ...refusal, projectId: newId("project") });
});

test("stays or goes with the transaction that it is written in", async () => {
  const projectId = newId("project");
  const failing = db().transaction(async (tx) => {
    await appendAudit(entry(projectId), tx);
    throw new Error("no");
  });
  await expect(failing).rejects.toThrow("no");
  expect(await chain(projectId)).toEqual([]);
});

test("takes what outside text may hold, redacted, and what is stored is what was hashed", async () => {
  const projectId = newId("project");
  const secret = `ghp_${"a1B2".repeat(9)}`;
  await append(
    entry(projectId, {
      actor: `ada\0 ${secret}`,
      payload: {
        note: `\0 \ud800 ${secret} ${"x".repeat(5000)}`,
        [`k\0${secret}`]: [
          1e30,
          -0,
          0.1,
          2 ** 53,
          true,
          null,
          { __proto__: null, at: new Date(0) },
        ],
        password: "x",
        none: undefined,
      },
    }),
  );
  const [row] = await chain(projectId);
  if (!row) throw new Error("nothing was written");
  expect(entryHash({ ...row, recordedAt: row.recordedAt.toISOString() })).toBe(row.hash);
  expect(JSON.stringify(row)).not.toContain(secret);
  expect(row.actor).toBe("ada\ufffd [redacted:github-token]");
  expect(row.payload.password).toBe("[redacted:secret]");
  expect(String(row.payload.note)).toMatch(/x… \(\d+\)$/);
});
