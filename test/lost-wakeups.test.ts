import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { eq, inArray } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { approvals, effects, projects, runs } from "#db/schema.ts";
import type { Client } from "#local/client.ts";
import { OWNER, type TestCloud, testCloud } from "./support/cloud.ts";

/** Whole with `FULL=1 npm test -- test/lost-wakeups` (200 runs, 8 kills); the suite, which is to end in 5 minutes, does less. */
const FULL = process.env.FULL === "1";
/** The projects share the runs, because the writers of one audit chain wait for each other. */
const PROJECTS = FULL ? 20 : 8;
const RUNS_EACH = FULL ? 10 : 8;
/** SIGKILLs of the app or the engine, one after the other, while the runs are under way. */
const KILLS = FULL ? 8 : 4;

let world: TestCloud;
let client: Client;

beforeAll(async () => {
  world = await testCloud();
  client = await world.client();
}, 120_000);
afterAll(() => world?.close());

test("runs decided at any moment while the app and the engine are killed: every one ends", async () => {
  const projectIds = Array.from({ length: PROJECTS }, (_, n) => `wake-${n}`);
  await world.database
    .insert(projects)
    .values(projectIds.map((id) => ({ id, ownerUserId: OWNER, name: id, slug: id })));
  const wanted = projectIds.flatMap((projectId) =>
    Array.from({ length: RUNS_EACH }, (_, n) => ({ projectId, runId: `${projectId}-${n}` })),
  );
  const requested = Promise.all(wanted.map((run) => request(run)));
  const killed = kill();
  const ids = wanted.map(({ runId }) => runId);
  await decideAll(ids);
  await Promise.all([requested, killed]);

  const rows = await world.database.select().from(runs).where(inArray(runs.id, ids));
  expect(rows.map(({ status, error }) => error ?? status)).toEqual(ids.map(() => "succeeded"));
  const made = await world.database.select().from(effects).where(inArray(effects.runId, ids));
  expect(made.map(({ status }) => status)).toEqual(ids.map(() => "confirmed"));
  const outside = await Promise.all(ids.map((runId) => objects(runId)));
  expect(outside.filter((names) => names.length !== 1)).toEqual([]);
}, 300_000);

/** Asks for one run, in the first second or so. */
async function request({ projectId, runId }: { projectId: string; runId: string }): Promise<void> {
  const input = { target: "ledger", book: runId, entries: [{ name: "first", value: "one" }] };
  const data = { projectId, runId, kind: "implementation", requestedBy: "system", input };
  await sleep(randomInt(0, 1500));
  await insist({ id: `request-${runId}`, name: "run.requested", data });
}

/**
 * Grants each approval once, between the moment its row is there (which is before anybody is asked) and two seconds later
 * (when the run waits). Ends when all runs have ended.
 */
async function decideAll(ids: readonly string[]): Promise<void> {
  const decided = new Map<string, Promise<void>>();
  for (;;) {
    const pending = await world.database
      .select()
      .from(approvals)
      .where(eq(approvals.status, "pending"));
    for (const { id: approvalId, projectId, intentHash } of pending) {
      if (decided.has(approvalId)) continue;
      const data = { projectId, approvalId, intentHash, by: OWNER };
      const grant = { id: `grant-${approvalId}`, name: "approval.granted", data };
      const later = randomInt(0, 3) === 0 ? 0 : randomInt(0, 2000);
      decided.set(
        approvalId,
        sleep(later).then(() => insist(grant)),
      );
    }
    const ended = inArray(runs.status, ["succeeded", "failed", "canceled"]);
    if ((await world.database.$count(runs, ended)) === ids.length) break;
    await sleep(50);
  }
  await Promise.all(decided.values());
}

async function kill(): Promise<void> {
  for (let n = 0; n < KILLS; n++) {
    await sleep(randomInt(300, 1500));
    await world.cloud.restart(randomInt(0, 2) === 0 ? "app" : "inngest");
  }
}

/** Sends an event until it is accepted, as every emitter does: the engine may be down. */
async function insist(event: { id: string; name: string; data: object }): Promise<void> {
  for (;;) {
    const refused = await client.send(event).then(
      () => undefined,
      (error: Error) => error,
    );
    if (!refused) return;
    // An answer is an answer; only no answer is a reason to send again.
    if (!(refused instanceof TypeError)) throw refused;
    await sleep(100);
  }
}

async function objects(book: string): Promise<unknown[]> {
  const { LEDGER_URL, LEDGER_TOKEN } = world.cloud.env;
  const response = await fetch(`${LEDGER_URL}/books/${book}/objects`, {
    headers: { authorization: `Bearer ${LEDGER_TOKEN}` },
  });
  return ((await response.json()) as { objects: unknown[] }).objects;
}
