import { generateKeyPairSync } from "node:crypto";
import { sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { db } from "#db/client.ts";
import {
  type FakeVercelBlob,
  type Seen,
  startFakeVercelBlob,
  TOKEN,
} from "../../test/servers/vercel-blob.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { setEnv } from "../../test/support/environment.ts";
import { getJson, putJson } from "../blob/json.ts";
import { readAudit, recordAudits } from "../data/audit.server.ts";
import { newId } from "../ids.ts";
import { signCheckpoint } from "./checkpoint.ts";
import { checkpointProject, listCheckpoints, readCheckpoint } from "./checkpoints.ts";
import { entryHash } from "./entry.ts";

// What is kept of a chain when the process dies between two writes of the store, or one try comes late behind another.

let database: TestDatabase;
let vercel: FakeVercelBlob;
const before = { ...process.env };
beforeAll(async () => {
  database = await testDatabase();
  vercel = await startFakeVercelBlob();
  const { privateKey } = generateKeyPairSync("ed25519");
  const AUDIT_SIGNING_KEY = privateKey.export({ type: "pkcs8", format: "der" }).toString("base64");
  await setEnv({ BLOB_DIR: undefined, BLOB_READ_WRITE_TOKEN: TOKEN, AUDIT_SIGNING_KEY });
});
afterAll(async () => {
  await vercel.close();
  await database.close();
  process.env = before;
});

let projectId: string;
beforeEach(() => {
  projectId = newId("project");
});
afterEach(() => vercel.intercept(null));

async function append(count: number): Promise<void> {
  const what = { projectId, actor: "ada", action: "run.requested", subject: "run_1" };
  await recordAudits(Array.from({ length: count }, (_, n) => ({ ...what, payload: { n } })));
}

/** What the owner of the database does: an entry becomes another, and all that follow are hashed anew. */
async function rewrite(from: number): Promise<void> {
  await db().transaction(async (tx) => {
    await tx.execute(sql`alter table audit_entries disable trigger user`);
    let prevHash: string | undefined;
    for (const entry of await readAudit({ projectId, after: from - 1 }, tx)) {
      const next = { ...entry, actor: "eve", prevHash: prevHash ?? entry.prevHash };
      prevHash = entryHash(next);
      await tx.execute(sql`update audit_entries set actor = 'eve', prev_hash = ${next.prevHash}, hash = ${prevHash}
        where project_id = ${projectId} and seq = ${entry.seq}`);
    }
    await tx.execute(sql`alter table audit_entries enable trigger user`);
  });
}

/** The process dies at this write of the store, from 1, and does nothing more. */
function diesAtWrite(n: number): void {
  let writes = 0;
  vercel.intercept(async ({ method }) => {
    if (method === "PUT") writes++;
    return writes >= n ? 500 : null;
  });
}

/** The entry that the newest checkpoint is about, and those that lead from there to the first. */
const kept = async () => (await listCheckpoints(projectId)).map(({ seq }) => seq);

test.each([
  [1, { outcome: "written", seq: 7 }, [2, 7]],
  [2, { outcome: "broken", firstBad: 5, reason: "checkpoint_mismatch" }, [2, 5]],
])(
  "whoever dies at write %i of a checkpoint leaves none, or one that the chain is held against",
  async (n, next, seqs) => {
    await append(2);
    await checkpointProject(projectId);
    await append(2);
    diesAtWrite(n);
    await expect(checkpointProject(projectId)).rejects.toThrow();
    vercel.intercept(null);
    // Before the next try the chain grows, and gets another past.
    await append(2);
    await rewrite(4);
    expect(await checkpointProject(projectId)).toEqual(next);
    expect(await kept()).toEqual(seqs);
  },
);

test("one that was kept and not numbered can be read at once, and is numbered at the next start", async () => {
  await append(3);
  diesAtWrite(2);
  await expect(checkpointProject(projectId)).rejects.toThrow();
  vercel.intercept(null);
  expect(await readCheckpoint(projectId, 3)).toMatchObject({ seq: 3 });
  await expect(getJson(`audit/${projectId}/3.json`)).rejects.toThrow("No such blob");
  await append(1);
  expect(await checkpointProject(projectId)).toEqual({ outcome: "written", seq: 4 });
  expect(await getJson(`audit/${projectId}/3.json`)).toMatchObject({ seq: 3, previous: null });
  expect(await kept()).toEqual([3, 4]);
});

test("a slow try does not put its checkpoint in the place of a later one", async () => {
  await append(2);
  await checkpointProject(projectId);
  await append(2);
  const { promise: slow, resolve: goOn } = Promise.withResolvers<null>();
  const { promise: waiting, resolve: waits } = Promise.withResolvers<void>();
  let held = false;
  vercel.intercept(async ({ url }: Seen) => {
    if (held || !decodeURIComponent(url).includes(`${projectId}/5.json`)) return null;
    held = true;
    waits();
    return await slow;
  });
  const first = checkpointProject(projectId);
  await waiting;
  await append(2);
  expect(await checkpointProject(projectId)).toEqual({ outcome: "written", seq: 7 });
  goOn(null);
  expect(await first).toEqual({ outcome: "unchanged" });
  expect(await kept()).toEqual([2, 7]);
});

test("of what is kept, two that are about one entry and differ are no checkpoint", async () => {
  await append(2);
  const about = (hash: string) =>
    signCheckpoint({ projectId, seq: 2, hash, at: new Date().toISOString(), previous: null });
  const other = about("0".repeat(64));
  const contradiction = { outcome: "broken", firstBad: 2, reason: "checkpoint_mismatch" };
  // Numbered by a version that did so first, and then died.
  await putJson(`audit/${projectId}/2.json`, other);
  expect(await checkpointProject(projectId)).toEqual(contradiction);
  await expect(getJson(`audit/${projectId}/latest.json`)).rejects.toThrow("No such blob");
  const [, last] = await readAudit({ projectId, after: 0 });
  await putJson(`audit/${projectId}/latest.json`, about(last?.hash ?? ""));
  expect(await checkpointProject(projectId)).toEqual(contradiction);
  expect(await getJson(`audit/${projectId}/2.json`)).toEqual(other);
});

test("one that a version before this one numbered and did not make the newest is kept as it is", async () => {
  await append(2);
  const [, last] = await readAudit({ projectId, after: 0 });
  const at = "2026-01-01T00:00:00.000Z";
  const old = signCheckpoint({ projectId, seq: 2, hash: last?.hash ?? "", at, previous: null });
  await putJson(`audit/${projectId}/2.json`, old);
  expect(await checkpointProject(projectId)).toEqual({ outcome: "written", seq: 2 });
  expect(await listCheckpoints(projectId)).toEqual([old]);
});
