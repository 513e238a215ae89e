import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asc, eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { approvalDecisions, approvals, effects, runs } from "#db/schema.ts";
import { startLedger } from "#local/ledger/server.ts";
import type { LocalPart } from "#local/part.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { decide } from "../approvals/decide.ts";
import { cutOf } from "../bundle/account.ts";
import type { Approval } from "../data/approvals.server.ts";
import { readAudit, readRunAudit, recordAudits } from "../data/audit.server.ts";
import { createProject } from "../data/projects.server.ts";
import { listRefusals, MAX_REFUSALS } from "../data/refusals.server.ts";
import { performEffect } from "../effects/perform.ts";
import { planEffects } from "../effects/plan.ts";
import { resolveEffect } from "../effects/resolve.ts";
import { newId } from "../ids.ts";
import { readHead } from "../ledger/client.ts";
import { acceptRun } from "../runs/accept.ts";
import { beginRun, cancelRun, failRun, setRunStatus, succeedRun } from "../runs/life.ts";
import type { AuditEntry } from "./entry.ts";
import { type ReconstructedRun, reconstructRun } from "./reconstruct.ts";

let database: TestDatabase;
let ledger: LocalPart;
let dir: string;
let projectId: string;
beforeAll(async () => {
  database = await testDatabase();
  dir = await mkdtemp(join(tmpdir(), "reconstruct-"));
  ledger = await startLedger({ dir });
  Object.assign(process.env, ledger.env);
  ({ id: projectId } = await createProject({ ownerUserId: "ada", name: "P", slug: "p" }));
});
afterAll(async () => {
  for (const name of Object.keys(ledger.env)) delete process.env[name];
  await ledger.close();
  await database.close();
  await rm(dir, { recursive: true });
});

const entry = (name: string) => ({ kind: "entry" as const, name, value: "v" });

async function start(names: string[], runId = newId("run")): Promise<string> {
  const input = { target: "ledger", book: "b", entries: names.map(entry) };
  const request = { projectId, runId, kind: "implementation" as const, input, requestedBy: "ci" };
  await acceptRun({ ...request, eventId: newId("run") });
  await beginRun({ runId, inngestRunId: "engine" });
  return runId;
}

async function plan(runId: string, names: string[], value = "v"): Promise<Approval> {
  const head = await readHead("b", AbortSignal.timeout(5000));
  const wishes = names.map((name) => ({
    stepId: `create/${name}`,
    kind: "ledger.entry",
    params: { book: "b", head, name, value },
  }));
  const { approval } = await planEffects({ runId, stepId: "plan", wishes });
  if (!approval) throw new Error("nothing to approve");
  return approval;
}

const say = (kind: "granted" | "denied" | "revoked", approval: Approval, more: object = {}) =>
  decide({
    ...{ kind, projectId, approvalId: approval.id, intentHash: approval.intentHash, by: "ada" },
    eventId: newId("decision"),
    ...more,
  });

async function rebuilt(runId: string): Promise<ReconstructedRun> {
  const run = reconstructRun(runId, await readRunAudit({ projectId, runId }));
  if (!run) throw new Error("nothing was recorded");
  return run;
}

/** What the live tables say, in the form of what is rebuilt. */
async function live(runId: string) {
  const [run] = await db().select().from(runs).where(eq(runs.id, runId));
  const asked = await db()
    .select()
    .from(approvals)
    .where(eq(approvals.runId, runId))
    .orderBy(asc(approvals.createdAt), asc(approvals.id));
  const voices = await db().select().from(approvalDecisions).orderBy(asc(approvalDecisions.id));
  const changes = await db()
    .select()
    .from(effects)
    .where(eq(effects.runId, runId))
    .orderBy(asc(effects.position));
  return {
    run: pick(run, [
      "id",
      "kind",
      "mode",
      "status",
      "attempt",
      "requestedBy",
      "error",
      "remediation",
      "result",
    ]),
    approvals: asked.map((row) => ({
      ...pick(row, [
        "id",
        "status",
        "scope",
        "intentHash",
        "policyVersion",
        "quorum",
        "planArtifactId",
      ]),
      expiresAt: row.expiresAt.toISOString(),
      decisions: voices
        .filter(({ approvalId }) => approvalId === row.id)
        .map((voice) => ({
          ...pick(voice, ["decision", "assurance", "intentHash", "note"]),
          by: voice.decidedBy,
        })),
    })),
    effects: changes.map((row) =>
      pick(row, [
        "id",
        "status",
        "stepId",
        "kind",
        "scope",
        "intentHash",
        "attempt",
        "approvalId",
        "externalId",
        "externalUrl",
        "error",
      ]),
    ),
  };
}

/** The fields that are set. */
function pick(row: object | undefined, keys: string[]): Record<string, unknown> {
  const found = Object.entries(row ?? {}).filter(
    ([key, value]) => keys.includes(key) && value !== null,
  );
  return Object.fromEntries(found);
}

/** Rebuilt from the chain, without what only the chain knows. */
async function compared(runId: string) {
  const { run, approvals: asked, effects: changes } = await rebuilt(runId);
  const { requestedAt: _, ...facts } = run;
  return {
    run: facts,
    approvals: asked.map(
      ({ usedBy: _u, refusals: _r, requestedAt: _q, decisions, ...approval }) => ({
        ...approval,
        decisions: decisions.map(({ seq: _s, at: _a, ...decision }) => decision),
      }),
    ),
    effects: changes,
  };
}

test("a run that succeeds, after a refused decision and a plan that was superseded", async () => {
  const names = ["one", "two"];
  const runId = await start(names);
  const other = await start(["other"]);
  await setRunStatus({ runId: runId, inngestRunId: "engine" }, "waiting_approval");
  const first = await plan(runId, names, "old");
  await plan(other, ["other"]);
  const approval = await plan(runId, names);
  expect(await say("granted", approval, { intentHash: first.intentHash })).toMatchObject({
    accepted: false,
  });
  expect(await say("granted", approval, { note: "fine" })).toMatchObject({ accepted: true });
  await setRunStatus({ runId: runId, inngestRunId: "engine" }, "running");
  for (const { id } of await db()
    .select()
    .from(effects)
    .where(eq(effects.runId, runId))
    .orderBy(asc(effects.position))) {
    await performEffect(id);
  }
  await succeedRun({ runId: runId, inngestRunId: "engine" }, { effects: 2 });

  expect(await compared(runId)).toEqual(await live(runId));
  const { run, approvals: asked, effects: changes, timeline } = await rebuilt(runId);
  expect(run.status).toBe("succeeded");
  expect(asked.map(({ status }) => status)).toEqual(["superseded", "used"]);
  expect(asked[1]?.refusals).toMatchObject([
    { decision: "granted", by: "ada", reason: expect.any(String) },
  ]);
  expect(asked[1]?.usedBy).toBe(changes[0]?.id);
  expect(changes.map(({ externalId }) => externalId)).toEqual([
    expect.any(String),
    expect.any(String),
  ]);
  expect(timeline[0]).toMatchObject({ action: "run.requested", actor: "ci" });
  expect(timeline.at(-1)).toMatchObject({ action: "run.succeeded" });
  expect(timeline.every(({ subject }) => subject !== other)).toBe(true);
  expect(timeline.map(({ seq }) => seq)).toEqual(
    timeline.map(({ seq }) => seq).toSorted((a, b) => a - b),
  );
});

test("a run that fails, is resumed and then canceled", async () => {
  const runId = await start(["three"]);
  const approval = await plan(runId, ["three"]);
  await say("granted", approval);
  await failRun({ runId, inngestRunId: "engine", error: "provider said token=aB3dE6gH9kL2" });
  expect(await compared(runId)).toEqual(await live(runId));
  await start(["three"], runId);
  expect(await compared(runId)).toEqual(await live(runId));
  await say("revoked", approval);
  await cancelRun({ projectId, runId, by: "ada", reason: "enough" });
  expect(await compared(runId)).toEqual(await live(runId));
  expect((await rebuilt(runId)).run).toMatchObject({ status: "canceled", attempt: 2 });
});

const by = "mallory";

/** Somebody sends an event that takes something for an approval, or for an effect. */
async function taken(subject: string, as: "approval" | "effect"): Promise<void> {
  const eventId = newId("decision");
  const said = { projectId, by, eventId };
  const verdict =
    as === "effect"
      ? await resolveEffect({ ...said, effectId: subject, resolution: "abandon" })
      : await decide({
          ...{ ...said, kind: "granted", approvalId: subject, intentHash: "0".repeat(64) },
        });
  expect(verdict).toMatchObject({ accepted: false, reason: `no_such_${as}` });
}

/** The chain as versions before this one left it: what was refused stood under what the event named, whatever that was. */
async function takenBefore(subject: string, as: "approval" | "effect"): Promise<void> {
  const action = as === "effect" ? "effect.resolution_refused" : "approval.refused";
  const payload = { by, reason: `no_such_${as}`, decision: "granted" };
  await recordAudits([{ projectId, actor: by, action, subject, payload }]);
}

test.each([
  { object: "five", take: taken },
  { object: "six", take: takenBefore },
])(
  "refused events that take a run, or what is of it, for another thing: $take.name",
  async (row) => {
    const { object, take } = row;
    const runId = newId("run");
    const takeRun = async () => {
      await take(runId, "approval");
      await take(runId, "effect");
    };
    await takeRun();
    await start([object], runId);
    await takeRun();
    const approval = await plan(runId, [object]);
    const [effect] = await db().select().from(effects).where(eq(effects.runId, runId));
    const effectId = effect?.id ?? "none was planned";
    await take(approval.id, "effect");
    await take(effectId, "approval");
    await say("granted", approval);
    const early = { projectId, effectId, resolution: "abandon" as const, by };
    await resolveEffect({ ...early, eventId: newId("decision") });
    await performEffect(effectId);
    await succeedRun({ runId, inngestRunId: "engine" }, { effects: 1 });
    await takeRun();

    expect(await compared(runId)).toEqual(await live(runId));
    const entries = await readRunAudit({ projectId, runId });
    expect(entries[0]).toMatchObject({ action: "run.requested", subject: runId });
    const end = entries.find(({ action }) => action === "run.succeeded");
    expect(cutOf(runId, entries)).toMatchObject({ seq: end?.seq });
    // What was refused of a thing that is what the event takes it for is on record with the run.
    const refused = { action: "effect.resolution_refused", subject: effectId };
    expect(entries).toContainEqual(expect.objectContaining(refused));
  },
);

test("refusals without number do not bury how a run went on: the last that is recorded says so", async () => {
  const runId = await start(["seven"]);
  const approval = await plan(runId, ["seven"]);
  const refusal = {
    ...{ projectId, actor: by, action: "approval.refused", subject: approval.id },
    payload: { decision: "granted", by, reason: "wrong_hash", detail: "of another plan" },
  };
  for (let page = 0; page < 11; page++) {
    await recordAudits(Array.from({ length: 1000 }, () => refusal));
  }
  // One that names nothing of the run is of the project, which has them all.
  await taken("apr_none", "approval");
  await say("denied", approval, { intentHash: "0".repeat(64) });
  await say("granted", approval);
  const [effect] = await db().select().from(effects).where(eq(effects.runId, runId));
  await performEffect(effect?.id ?? "none was planned");
  await succeedRun({ runId, inngestRunId: "engine" }, { effects: 1 });

  expect(await compared(runId)).toEqual(await live(runId));
  const entries = await readRunAudit({ projectId, runId });
  const end = entries.find(({ action }) => action === "run.succeeded");
  expect(cutOf(runId, entries)).toMatchObject({ seq: end?.seq });
  const refused = entries.filter(({ action }) => action === "approval.refused");
  expect(refused).toHaveLength(MAX_REFUSALS);
  const last = "of another plan; no further refusals of this are recorded";
  expect(refused.map(({ payload }) => payload.detail)).toEqual([
    ...Array.from({ length: MAX_REFUSALS - 1 }, () => "of another plan"),
    last,
  ]);
  expect(await listRefusals({ projectId, subject: projectId })).toContainEqual(
    expect.objectContaining({ reason: "no_such_approval" }),
  );
}, 60_000);

test("there is nothing to rebuild of a run that is not there, and other entries do not matter", async () => {
  expect(await readRunAudit({ projectId, runId: newId("run") })).toEqual([]);
  expect(reconstructRun("run_x", [])).toBeNull();
  const runId = await start(["four"]);
  const whole: AuditEntry[] = await readAudit({ projectId, after: 0 });
  expect(reconstructRun(runId, whole)).toEqual(await rebuilt(runId));
  expect(await readRunAudit({ projectId: newId("project"), runId })).toEqual([]);
});
