import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newId } from "#lib/ids.ts";
import { type TestDatabase, testDatabase } from "../test/setup/database.ts";
import { db } from "./client.ts";
import * as s from "./schema.ts";

const HASH = "a".repeat(64);
const GENESIS = "0".repeat(64);

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

/** Rejects because of what a trigger says. */
const refused = (message: RegExp) => ({ cause: { message: expect.stringMatching(message) } });

async function insertProject(): Promise<string> {
  const id = newId("project");
  await db().insert(s.projects).values({ id, ownerUserId: "u1", name: "P", slug: id });
  return id;
}

/** A project with one row in every table, related to each other as they are in use. */
async function insertEverything() {
  const projectId = await insertProject();
  const [skillId, fileId, runId, artifactId] = [
    newId("skill"),
    newId("file"),
    newId("run"),
    newId("artifact"),
  ];
  const [threadId, messageId, approvalId] = [newId("thread"), newId("message"), newId("approval")];
  const chunkId = `chunk_${projectId}`;
  const inProject = { projectId };
  const ofRun = { ...inProject, runId };
  await db()
    .insert(s.projectSkills)
    .values({ id: skillId, ...inProject, name: " My Skill ", description: "d", content: "c" });
  await db()
    .insert(s.projectPolicies)
    .values({ id: newId("policy"), ...inProject, version: 1, document: {}, createdBy: "u1" });
  await db()
    .insert(s.projectFiles)
    .values({
      id: fileId,
      ...inProject,
      name: "f",
      mimeType: "text/plain",
      sizeBytes: 1,
      sha256: HASH,
      blobRef: "b",
      status: "uploaded",
    });
  await db()
    .insert(s.fileNames)
    .values({ ...inProject, name: "f", fileId, cameAt: new Date().toISOString() });
  await db()
    .insert(s.fileRemovals)
    .values({ fileId: newId("file"), ...inProject, ingesting: false });
  const pinned = { fileSha256: HASH, extractionVersion: 1, startOffset: 0, endOffset: 5 };
  await db()
    .insert(s.fileChunks)
    .values({
      id: chunkId,
      ...inProject,
      fileId,
      ...pinned,
      ordinal: 0,
      content: "hello",
      breadcrumbs: "",
      contentSha256: HASH,
      tokenCount: 1,
    });
  await db()
    .insert(s.runs)
    .values({ id: runId, ...inProject, kind: "research", input: {}, requestedBy: "u1" });
  await db()
    .insert(s.runSteps)
    .values({ id: newId("step"), runId, stepId: "a", stepName: "a", kind: "run" });
  await db()
    .insert(s.artifacts)
    .values({
      id: artifactId,
      ...ofRun,
      kind: "spec",
      logicalKey: "main",
      version: 1,
      content: "c",
      contentSha256: HASH,
    });
  await db()
    .insert(s.chatThreads)
    .values({ id: threadId, ...inProject, title: "t", createdBy: "u1" });
  await db().insert(s.chatMessages).values({ id: messageId, threadId, role: "user", content: "q" });
  await db()
    .insert(s.chatMessages)
    .values({
      id: newId("message"),
      threadId,
      role: "assistant",
      content: "a",
      inReplyTo: messageId,
    });
  const cites = { ...inProject, ...pinned, chunkId, fileId, fileName: "f", chunkSha256: HASH };
  await db()
    .insert(s.citations)
    .values([
      { id: newId("citation"), ...cites, artifactId, ordinal: 1, quote: "hello" },
      { id: newId("citation"), ...cites, messageId, ordinal: 1, quote: "hello" },
    ]);
  const used = { inputTokens: 1, outputTokens: 1, ms: 1, outcome: "ok" as const };
  await db()
    .insert(s.modelCalls)
    .values({ id: newId("modelCall"), ...ofRun, messageId, stepId: "a", model: "m", ...used });
  const repoId = newId("repo");
  await db()
    .insert(s.repos)
    .values({
      id: repoId,
      ...inProject,
      owner: "Octo",
      name: "Repo",
      defaultBranch: "main",
      htmlUrl: "h",
      cloneUrl: "c",
    });
  await db()
    .insert(s.codeFiles)
    .values({
      ...{ repoId, key: "k", path: "a.ts", language: "typescript", fromGeneration: 1 },
      ...{ blobSha: "b", commitSha: "c" },
    });
  await db()
    .insert(s.approvals)
    .values({
      id: approvalId,
      ...ofRun,
      scope: "repo.push",
      intentSummary: "push",
      intentHash: HASH,
      requestedBy: "u1",
      policyVersion: 1,
      planArtifactId: artifactId,
      expiresAt: new Date(Date.now() + 1000),
    });
  await db()
    .insert(s.approvalDecisions)
    .values({
      id: newId("decision"),
      approvalId,
      decision: "granted",
      decidedBy: "u2",
      assurance: "api",
      intentHash: HASH,
    });
  await db()
    .insert(s.approverKeys)
    .values({ id: "k1", projectId, owner: "u2", publicKey: "k", createdBy: "u1" });
  const effectId = newId("effect");
  await db()
    .insert(s.effects)
    .values({
      id: effectId,
      ...ofRun,
      stepId: "a",
      kind: "push",
      scope: "repo.push",
      intentHash: HASH,
      intent: {},
      params: {},
      marker: projectId,
      approvalId,
    });
  await db()
    .insert(s.findings)
    .values({ id: newId("finding"), projectId, effectId, detail: "It is not there any more." });
  await db()
    .insert(s.sandboxJobs)
    .values({ id: newId("job"), ...ofRun, stepId: "a", jobType: "verify.test" });
  await db()
    .insert(s.infraResources)
    .values({
      id: newId("infra"),
      ...ofRun,
      provider: "neon",
      resourceType: "db_branch",
      externalId: "br-1",
    });
  await db()
    .insert(s.deployments)
    .values({
      id: newId("deployment"),
      ...ofRun,
      vercelProjectId: "prj",
      vercelDeploymentId: `dpl_${projectId}`,
      deploymentUrl: "https://x.example",
    });
  await appendAudit(projectId, 1, GENESIS, HASH);
  return { projectId, fileId, chunkId, runId, artifactId };
}

async function appendAudit(projectId: string, seq: number, prevHash: string, hash: string) {
  await db()
    .insert(s.auditEntries)
    .values({
      id: newId("audit"),
      projectId,
      seq,
      actor: "u1",
      action: "tested",
      subject: "x",
      payload: {},
      prevHash,
      hash,
      recordedAt: new Date(),
    });
}

async function rowCounts(): Promise<Record<string, number>> {
  const { rows: tables } = await db().execute<{ name: string }>(
    sql`select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`,
  );
  const counts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await db().execute<{ n: number }>(
        sql`select count(*)::int as n from ${sql.identifier(name)}`,
      );
      return [name, rows[0]?.n ?? 0] as const;
    }),
  );
  return Object.fromEntries(counts);
}

test("deleting a project takes every row of it and leaves the audit chain", async () => {
  const before = await rowCounts();
  const { projectId } = await insertEverything();
  const full = await rowCounts();
  expect(Object.keys(full).filter((table) => full[table] === before[table])).toEqual([]);
  await db().delete(s.projects).where(eq(s.projects.id, projectId));
  const { audit_entries: audit = 0 } = before;
  expect(await rowCounts()).toEqual({ ...before, audit_entries: audit + 1 });
});

test("evidence cannot be pulled from under what refers to it", async () => {
  const { runId, artifactId } = await insertEverything();
  await expect(db().delete(s.runs).where(eq(s.runs.id, runId))).rejects.toMatchObject(
    refused(/violates foreign key constraint/),
  );
  await expect(
    db().delete(s.artifacts).where(eq(s.artifacts.id, artifactId)),
  ).rejects.toMatchObject(refused(/violates foreign key constraint/));
});

test("citations keep what they quoted when chunk and file are gone", async () => {
  const { projectId, fileId, chunkId } = await insertEverything();
  const ofProject = eq(s.citations.projectId, projectId);
  await db().delete(s.fileChunks).where(eq(s.fileChunks.id, chunkId));
  const retired = await db().select().from(s.citations).where(ofProject);
  expect(retired.map((row) => [row.chunkId, row.fileId])).toEqual([
    [null, fileId],
    [null, fileId],
  ]);
  await db().delete(s.projectFiles).where(eq(s.projectFiles.id, fileId));
  for (const row of await db().select().from(s.citations).where(ofProject)) {
    expect(row).toMatchObject({
      chunkId: null,
      fileId: null,
      quote: "hello",
      chunkSha256: HASH,
      fileSha256: HASH,
    });
  }
});

test("artifacts and policies are immutable", async () => {
  const { projectId, artifactId } = await insertEverything();
  await expect(
    db().update(s.artifacts).set({ content: "other" }).where(eq(s.artifacts.id, artifactId)),
  ).rejects.toMatchObject(refused(/UPDATE on artifacts is refused/));
  await expect(
    db()
      .update(s.projectPolicies)
      .set({ document: { a: 1 } })
      .where(eq(s.projectPolicies.projectId, projectId)),
  ).rejects.toMatchObject(refused(/UPDATE on project_policies is refused/));
});

describe("the audit chain", () => {
  const [one, two, other] = ["1".repeat(64), "2".repeat(64), "3".repeat(64)];
  let projectId: string;
  beforeEach(async () => {
    projectId = newId("project");
    await appendAudit(projectId, 1, GENESIS, one);
    await appendAudit(projectId, 2, one, two);
  });

  test("refuses UPDATE, DELETE and TRUNCATE", async () => {
    const ofProject = eq(s.auditEntries.projectId, projectId);
    await expect(
      db().update(s.auditEntries).set({ actor: "x" }).where(ofProject),
    ).rejects.toMatchObject(refused(/UPDATE on audit_entries is refused/));
    await expect(db().delete(s.auditEntries).where(ofProject)).rejects.toMatchObject(
      refused(/DELETE on audit_entries is refused/),
    );
    await expect(db().execute(sql`truncate audit_entries`)).rejects.toMatchObject(
      refused(/TRUNCATE on audit_entries is refused/),
    );
  });

  test.each([
    { what: "a gap", seq: 4, prev: two },
    { what: "a repeated number", seq: 2, prev: one },
    { what: "a fork", seq: 3, prev: one },
  ])("refuses $what", async ({ seq, prev }) => {
    await expect(appendAudit(projectId, seq, prev, other)).rejects.toMatchObject(
      refused(/does not follow entry 2/),
    );
  });

  test("takes one of two writers that saw the same last entry", async () => {
    const writes = await Promise.allSettled(
      Array.from({ length: 8 }, () => appendAudit(projectId, 3, two, other)),
    );
    expect(writes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});

test("a skill's name is unique in any case and spacing", async () => {
  const { projectId } = await insertEverything();
  await expect(
    db()
      .insert(s.projectSkills)
      .values({ id: newId("skill"), projectId, name: "MY SKILL", description: "", content: "" }),
  ).rejects.toMatchObject(refused(/project_skills_project_name_key/));
});

test("states that contradict their fields are refused", async () => {
  const projectId = await insertProject();
  const file = { projectId, name: "f", mimeType: "text/plain" };
  const insertFile = (values: Partial<typeof s.projectFiles.$inferInsert>) =>
    db()
      .insert(s.projectFiles)
      .values({ id: newId("file"), status: "uploaded", ...file, ...values });
  await expect(insertFile({})).rejects.toMatchObject(refused(/project_files_pending_check/));
  await expect(insertFile({ status: "pending" })).rejects.toMatchObject(
    refused(/project_files_pending_check/),
  );
  await expect(insertFile({ sha256: HASH })).rejects.toMatchObject(
    refused(/project_files_bytes_check/),
  );
  await expect(
    db()
      .insert(s.runs)
      .values({
        id: newId("run"),
        projectId,
        kind: "research",
        input: {},
        requestedBy: "u",
        status: "failed",
      }),
  ).rejects.toMatchObject(refused(/runs_ended_check/));
});

test("a statement and an idle transaction are cut off in time", async () => {
  const setting = (name: string) => db().execute(sql.raw(`show ${name}`));
  expect((await setting("statement_timeout")).rows).toEqual([{ statement_timeout: "30s" }]);
  expect((await setting("idle_in_transaction_session_timeout")).rows).toEqual([
    { idle_in_transaction_session_timeout: "1min" },
  ]);
});
