import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InngestTestEngine } from "@inngest/test";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { checkpointAudit } from "#functions/checkpoint-audit.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { after } from "../../test/support/served.ts";
import { projectsToCheckpoint, readAudit, recordAudits } from "../data/audit.server.ts";
import { newId } from "../ids.ts";
import { auditPublicKey, publicKeys } from "./checkpoint.ts";
import { checkpointProject, listCheckpoints } from "./checkpoints.ts";
import { entryHash } from "./entry.ts";
import { exportAudit } from "./export.ts";
import { readAuditExport } from "./read-export.ts";
import { nextCheckpointed } from "./round.ts";
import { type Verdict, verifyAudit } from "./verify.ts";

let database: TestDatabase;
let dir: string;
const before = { ...process.env };
beforeAll(async () => {
  database = await testDatabase();
  dir = await mkdtemp(join(tmpdir(), "checkpoints-"));
  const { privateKey } = generateKeyPairSync("ed25519");
  process.env.BLOB_DIR = dir;
  process.env.AUDIT_SIGNING_KEY = privateKey
    .export({ type: "pkcs8", format: "pem" })
    .toString()
    .replaceAll("\n", "\\n");
});
afterAll(async () => {
  await database.close();
  await rm(dir, { recursive: true });
  process.env = before;
});

let projectId: string;
beforeEach(() => {
  projectId = newId("project");
});

async function append(count: number, id = projectId): Promise<void> {
  const what = { projectId: id, actor: "ada", action: "run.requested", subject: "run_1" };
  await recordAudits(Array.from({ length: count }, (_, n) => ({ ...what, payload: { n } })));
}

async function exported(): Promise<string> {
  let text = "";
  for await (const part of exportAudit(projectId)) text += part;
  return text;
}

const verdict = async (): Promise<Verdict> =>
  verifyAudit(readAuditExport(await exported()), publicKeys(auditPublicKey()));

/** What somebody does who owns the database: the rules of the table do not hold for them. */
async function tamper(statement: ReturnType<typeof sql>): Promise<void> {
  await db().transaction(async (tx) => {
    await tx.execute(sql`alter table audit_entries disable trigger user`);
    await tx.execute(
      sql`alter table audit_entries drop constraint if exists audit_entries_seq_key`,
    );
    await tx.execute(statement);
    await tx.execute(sql`alter table audit_entries enable trigger user`);
  });
}

/** As if there had been no project before. */
async function nothingKept(): Promise<void> {
  await tamper(sql`delete from audit_entries`);
  await rm(join(dir, "audit"), { recursive: true, force: true });
  await rm(join(dir, "audit-round.json"), { force: true });
}

test("an export over several pages verifies, as lines and as one object", async () => {
  await append(2500);
  const chain = readAuditExport(await exported());
  expect(verifyAudit(chain)).toMatchObject({ ok: true, entries: 2500, vouchedSeq: 0 });
  expect(readAuditExport(JSON.stringify(chain))).toEqual(chain);
});

test.each([
  ["cut off", (lines: string[]) => lines.slice(0, -1), /cut off/],
  [
    "cut within a line",
    (lines: string[]) => [...lines.slice(0, 2), lines[2]?.slice(0, 50) ?? ""],
    /line 3/,
  ],
  [
    "with more behind its end",
    (lines: string[]) => [...lines, lines[1] ?? ""],
    /line 6 comes after the end/,
  ],
  [
    "without its last entry",
    (lines: string[]) => lines.toSpliced(-2, 1),
    /its end is entry 3, and the last that is there is 2/,
  ],
  [
    "with another last entry",
    (lines: string[]) =>
      lines.with(-1, (lines.at(-1) ?? "").replace(/"[0-9a-f]{64}"/, `"${"0".repeat(64)}"`)),
    /has another hash/,
  ],
  ["of nothing", () => [], /which project/],
])("an export %s is refused", async (_, change, message) => {
  await append(3);
  const lines = (await exported()).trimEnd().split("\n");
  expect(() => readAuditExport(change(lines).join("\n"))).toThrow(message);
});

describe("a database that was tampered with", () => {
  const of = (seq: number) => sql`where project_id = ${projectId} and seq = ${seq}`;
  const cases: [string, () => ReturnType<typeof sql>, number, string][] = [
    ["changed", () => sql`update audit_entries set payload = '{"n":7}' ${of(4)}`, 4, "changed"],
    ["its actor changed", () => sql`update audit_entries set actor = 'eve' ${of(1)}`, 1, "changed"],
    ["deleted", () => sql`delete from audit_entries ${of(4)}`, 4, "missing"],
    [
      "inserted",
      () => sql`insert into audit_entries select 'aud_x', project_id, seq, 'eve', action, subject, payload, prev_hash, hash,
        recorded_at, key from audit_entries ${of(4)}`,
      4,
      "inserted",
    ],
    [
      "reordered",
      () => sql`update audit_entries set seq = case seq when 3 then 6 else 3 end
        where project_id = ${projectId} and seq in (3, 6)`,
      3,
      "reordered",
    ],
    [
      "truncated",
      () => sql`delete from audit_entries where project_id = ${projectId} and seq > 5`,
      6,
      "truncated",
    ],
    [
      "emptied",
      () => sql`delete from audit_entries where project_id = ${projectId}`,
      1,
      "truncated",
    ],
  ];
  test.each(cases)("%s", async (_, statement, firstBad, reason) => {
    await append(9);
    expect(await checkpointProject(projectId)).toEqual({ outcome: "written", seq: 9 });
    expect(await verdict()).toMatchObject({ ok: true, entries: 10, vouchedSeq: 9, signed: true });
    await tamper(statement());
    expect(await verdict()).toEqual({ ok: false, firstBad, reason });
  });

  test("with its tail written anew, which gets no new checkpoint either", async () => {
    await append(9);
    await checkpointProject(projectId);
    await append(3);
    let prevHash = "";
    for (const entry of await readAudit({ projectId, after: 0 })) {
      const actor = entry.seq === 6 ? "eve" : entry.actor;
      const next = { ...entry, actor, prevHash: prevHash || entry.prevHash };
      prevHash = entryHash(next);
      await tamper(
        sql`update audit_entries set actor = ${actor}, prev_hash = ${next.prevHash}, hash = ${prevHash} ${of(entry.seq)}`,
      );
    }
    const entries = await readAudit({ projectId, after: 0 });
    expect(verifyAudit({ projectId, entries })).toMatchObject({ ok: true });
    const mismatch = { firstBad: 9, reason: "checkpoint_mismatch" };
    expect(await verdict()).toEqual({ ok: false, ...mismatch });
    expect(await checkpointProject(projectId)).toEqual({ outcome: "broken", ...mismatch });
    expect(await listCheckpoints(projectId)).toHaveLength(1);
  });
});

test("checkpoints follow a chain that grows, and an idle one gets none", async () => {
  expect(await checkpointProject(projectId)).toEqual({ outcome: "unchanged" });
  for (const seq of [3, 7, 11]) {
    await append(3);
    expect(await checkpointProject(projectId)).toEqual({ outcome: "written", seq });
    expect(await checkpointProject(projectId)).toEqual({ outcome: "unchanged" });
  }
  const listed = await listCheckpoints(projectId);
  expect(listed.map(({ seq, previous }) => [seq, previous])).toEqual([
    [3, null],
    [7, 3],
    [11, 7],
  ]);
  expect((await readdir(join(dir, "audit", projectId))).sort()).toEqual([
    "11.json",
    "3.json",
    "7.json",
    "latest.json",
  ]);
});

test("one that was kept is never overwritten, and what died before recording it is made good", async () => {
  await append(2);
  await checkpointProject(projectId);
  const kept = () => readFile(join(dir, "audit", projectId, "2.json"), "utf8");
  const first = await kept();
  await tamper(sql`delete from audit_entries where project_id = ${projectId} and seq = 3`);
  expect(await projectsToCheckpoint({ limit: 100 })).toContain(projectId);
  expect(await checkpointProject(projectId)).toEqual({ outcome: "written", seq: 2 });
  // As if it had died before `latest.json` was there.
  await rm(join(dir, "audit", projectId, "latest.json"));
  await tamper(sql`delete from audit_entries where project_id = ${projectId} and seq = 3`);
  expect(await checkpointProject(projectId)).toEqual({ outcome: "written", seq: 2 });
  expect(await kept()).toBe(first);
  expect(await verdict()).toMatchObject({ ok: true, vouchedSeq: 2 });
});

test("the hourly function does each chain that has grown, and fails when one is broken", async () => {
  await nothingKept();
  const ids = Array.from({ length: 3 }, () => newId("project")).sort();
  for (const id of ids) await append(2, id);
  // Where there are more than there is time for, each gets its turn.
  const first = async () => (await projectsToCheckpoint({ limit: 1 }))[0];
  for (const id of ids) await expect.poll(first, { interval: 0, timeout: 10_000 }).toBe(id);
  const run = () => new InngestTestEngine({ function: checkpointAudit }).execute();
  expect((await run()).result).toEqual({ checkpoints: 3 });
  expect((await run()).result).toEqual({ checkpoints: 0 });

  for (const id of ids) await append(1, id);
  await tamper(
    sql`update audit_entries set actor = 'eve' where project_id = ${ids[0]} and seq = 4`,
  );
  const { error } = await run();
  expect(JSON.stringify(error)).toContain(`audit_broken (1): ${ids[0]} from 4 (changed)`);
  expect(await projectsToCheckpoint({ limit: 9 })).toEqual([ids[0]]);
});

test("one that was cut back to where a checkpoint is recorded, or removed, is found though it does not grow", async () => {
  await nothingKept();
  const [whole, cut, gone] = [newId("project"), newId("project"), newId("project")];
  for (const id of [whole, cut, gone]) {
    for (const _ of [1, 2]) {
      await append(2, id);
      await checkpointProject(id);
    }
  }
  const run = () => new InngestTestEngine({ function: checkpointAudit }).execute();
  expect((await run()).result).toEqual({ checkpoints: 0 });
  await tamper(sql`delete from audit_entries where project_id = ${cut} and seq > 3`);
  await tamper(sql`delete from audit_entries where project_id = ${gone}`);
  expect(await projectsToCheckpoint({ limit: 9 })).toEqual([]);
  const { error } = await run();
  const found = [cut, gone].sort().map((id) => `${id} from 5 (truncated)`);
  expect(JSON.stringify(error)).toContain(`audit_broken (2): ${found.join(", ")}`);
});

test("what has checkpoints comes up in turn, some at a time, and again when all have had theirs", async () => {
  await nothingKept();
  const ids = Array.from({ length: 5 }, () => newId("project")).sort();
  for (const id of ids) {
    await append(1, id);
    await checkpointProject(id);
  }
  const turns = [];
  for (let i = 0; i < 4; i++) turns.push(await nextCheckpointed({ limit: 2 }));
  expect(turns).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4), ids.slice(0, 2)]);
});

test("a chain whose last checkpoint cannot be read keeps no other from its own", async () => {
  const kept = { "find-kept": { data: [] } };
  const failed = {
    find: { data: ["a", "b"] },
    ...kept,
    "checkpoint-a": { error: new Error("no JSON") },
  };
  const next = (steps: Parameters<typeof after>[3]) =>
    after([checkpointAudit], "checkpoint-audit", {}, steps, "inngest/scheduled.timer");
  expect(await next(failed)).toMatchObject([{ displayName: "checkpoint-b" }]);
  const written = { data: { outcome: "written", seq: 1 } };
  const error = await next({ ...failed, "checkpoint-b": written });
  expect(error).toMatchObject({ message: "audit_broken (1): a: no JSON" });
});

test("where the store does not say what it has, chains that have grown get their checkpoints", async () => {
  const steps = { find: { data: ["a"] }, "find-kept": { error: new Error("away") } };
  const next = (more: Parameters<typeof after>[3]) =>
    after(
      [checkpointAudit],
      "checkpoint-audit",
      {},
      { ...steps, ...more },
      "inngest/scheduled.timer",
    );
  expect(await next({})).toMatchObject([{ displayName: "checkpoint-a" }]);
  const error = await next({ "checkpoint-a": { data: { outcome: "written", seq: 1 } } });
  expect(error).toMatchObject({ message: "audit_broken (1): what has checkpoints: away" });
});

test("where no checkpoint can be kept, the others are not tried one after the other for hours", async () => {
  const projects = Array.from({ length: 12 }, (_, n) => `p${n}`);
  const lost = projects
    .slice(0, 10)
    .map((id) => [`checkpoint-${id}`, { error: new Error("away") }]);
  const error = await after(
    [checkpointAudit],
    "checkpoint-audit",
    {},
    { find: { data: projects }, "find-kept": { data: [] }, ...Object.fromEntries(lost) },
    "inngest/scheduled.timer",
  );
  expect(error).toMatchObject({ message: expect.stringContaining("audit_broken (10): p0: away") });
});
