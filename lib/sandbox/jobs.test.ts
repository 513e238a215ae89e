import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { db } from "#db/client.ts";
import { runs } from "#db/schema.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { blobStore } from "../blob/blob.ts";
import { createProject } from "../data/projects.server.ts";
import { ensureJob, listJobs, startJob } from "../data/sandbox-jobs.server.ts";
import { InvalidInput, NotFound, Unavailable } from "../errors.ts";
import { checkCommand } from "./allow-list.ts";
import {
  announceJob,
  cancelJobsOfRun,
  endUnrun,
  type JobRequest,
  recordWork,
  runJob,
  sandboxesLeftBehind,
} from "./jobs.ts";
import type { Command, CommandResult, Sandbox } from "./port.ts";
import { transcriptOf } from "./transcript.ts";

let database: TestDatabase;
let dir: string;
beforeAll(async () => {
  database = await testDatabase();
  dir = await mkdtemp(join(tmpdir(), "jobs-"));
  vi.stubEnv("BLOB_DIR", dir);
  vi.stubEnv("SOME_TOKEN", "the-secret-of-this-environment");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await database.close();
  await rm(dir, { recursive: true, force: true });
});

/** The outside of jobs: a sandbox that says what it is told to. */
class Scripted implements Sandbox {
  readonly name = "scripted";
  readonly isolation = "bubblewrap";
  started = 0;
  readonly #run: () => Promise<Partial<CommandResult>>;
  constructor(run: () => Promise<Partial<CommandResult>>) {
    this.#run = run;
  }
  async run({ argv, env }: Command): Promise<CommandResult> {
    checkCommand(argv, env);
    this.started += 1;
    const usual = { exitCode: 0, output: Buffer.from("said\n"), truncated: false, durationMs: 5 };
    return { ended: "exited", ...usual, ...(await this.#run()) };
  }
  async read() {
    return Buffer.alloc(0);
  }
  async write() {}
  async stop() {}
}

let made = 0;
async function request(sandbox: Sandbox): Promise<JobRequest> {
  made += 1;
  const [runId, slug] = [`run-${made}`, `jobs-${made}`];
  const { id: projectId } = await createProject({ ownerUserId: "ann", slug, name: slug });
  const run = { id: runId, projectId, kind: "implementation" as const, requestedBy: "ann" };
  await db()
    .insert(runs)
    .values({ ...run, input: {} });
  const command = { argv: ["npm", "test"] as const, timeoutMs: 1000, maxOutputBytes: 1e6 };
  return {
    projectId,
    runId,
    stepId: "verify/test-1",
    jobType: "verify.test",
    sandbox,
    command,
    commitSha: "c0ffee",
  };
}

it("runs a job once, keeps its redacted transcript, and gives its result again", async () => {
  const output = Buffer.from("a the-secret-of-this-environment b\nnot ok 1 - adds\n");
  const sandbox = new Scripted(async () => ({ exitCode: 1, output }));
  const job = await request(sandbox);
  const result = await runJob(job);
  expect(result).toMatchObject({ status: "failed", exitCode: 1, isolation: "bubblewrap" });
  expect(result.tail).toContain("not ok 1 - adds");
  expect(await runJob(job)).toEqual(result);
  expect(sandbox.started).toBe(1);
  const [row] = await listJobs(job);
  expect(row).toMatchObject({ status: "failed", exitCode: 1, metadata: { commitSha: "c0ffee" } });
  const kept = await text(await blobStore().get(row?.transcriptBlobRef ?? ""));
  expect(kept).toContain("not ok 1 - adds");
  expect(kept + JSON.stringify(row)).not.toContain("the-secret-of-this-environment");
});

it("begins anew what somebody began who then died", async () => {
  const sandbox = new Scripted(async () => ({}));
  const job = await request(sandbox);
  const { id } = await ensureJob({ ...job, metadata: {} });
  await startJob({ id, metadata: {} });
  expect(await runJob(job)).toMatchObject({ jobId: id, status: "succeeded" });
});

it("ended as it did for the first of two that worked on it at once, with that one's transcript", async () => {
  const slow = Promise.withResolvers<Partial<CommandResult>>();
  const first = new Scripted(() => slow.promise);
  const job = await request(first);
  const overtaken = runJob(job);
  await vi.waitFor(() => expect(first.started).toBe(1));
  const quick = new Scripted(async () => ({ output: Buffer.from("the first to end\n") }));
  const done = await runJob({ ...job, sandbox: quick });
  slow.resolve({ exitCode: 1, output: Buffer.from("the last to end\n") });
  expect(await overtaken).toEqual(done);
  const [row] = await listJobs(job);
  const kept = row?.transcriptBlobRef ?? "";
  expect(await text(await blobStore().get(kept))).toBe("the first to end\n");
  const below = kept.slice(0, kept.lastIndexOf("/"));
  expect(await blobStore().usage(below)).toMatchObject({ blobs: 1 });
});

it("leaves no transcript behind when its project has gone while it ran", async () => {
  const job = await request(
    new Scripted(async () => {
      await db().delete(runs).where(eq(runs.id, job.runId));
      return {};
    }),
  );
  await expect(runJob(job)).rejects.toMatchObject({ code: "job_canceled" });
  const below = `projects/${job.projectId}`;
  expect(await blobStore().usage(below)).toMatchObject({ blobs: 0 });
});

it.each([
  ["a NUL", "a\0b"],
  ["half a character", "a\ud800b"],
])(
  "says of a job whose command has %s that it failed, announced or not, and runs nothing",
  async (_, text) => {
    const sandbox = new Scripted(async () => ({}));
    const job = await request(sandbox);
    await announceJob({ ...job, stepId: "draft/turn-1.1-x", sandbox: "scripted" });
    const command = { ...job.command, argv: ["npm", "test", "--", text] as const };
    const refused = { code: "command_not_allowed", retry: false };
    for (const stepId of [job.stepId, "draft/turn-1.1-x"])
      await expect(runJob({ ...job, stepId, command })).rejects.toMatchObject(refused);
    const rows = await listJobs(job);
    expect(rows).toMatchObject([{ status: "failed" }, { status: "failed" }]);
    for (const { metadata } of rows) expect(metadata.tail).toContain("NUL");
    expect(sandbox.started).toBe(0);
  },
);

it("stays canceled when it is canceled while it runs, and names the sandbox to stop each time", async () => {
  const sandbox = new Scripted(async () => {
    expect(await cancelJobsOfRun(job)).toEqual(["scripted"]);
    return { exitCode: null, ended: "killed" };
  });
  const job = await request(sandbox);
  await expect(runJob(job)).rejects.toMatchObject({ code: "job_canceled" });
  expect(await cancelJobsOfRun(job)).toEqual(["scripted"]);
  await expect(runJob(job)).rejects.toMatchObject({ code: "job_canceled" });
  expect(await listJobs(job)).toMatchObject([{ status: "canceled" }]);
});

it("keeps the end of what was said, in whole characters, within 8 KB", () => {
  const { tail } = transcriptOf(Buffer.from(`${"é".repeat(9000)}end\0`), true);
  expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(8192);
  expect(tail).not.toContain("\ufffd");
  expect(tail).toContain("end\u2400");
  expect(tail).toContain("dropped");
});

/** Work of our own for a run that is there. */
async function work() {
  const { projectId, runId } = await request(new Scripted(async () => ({})));
  const job = { jobType: "repo.applyPatch", commitSha: "c0ffee", isolation: "git" } as const;
  return { ...job, projectId, runId, stepId: "patch/make.1" };
}

it("records work of our own with what it said, and leaves the row when it is done again", async () => {
  const job = await work();
  const done = await recordWork(job, async (say) => {
    say("cloned with the-secret-of-this-environment");
    return 7;
  });
  expect(done).toBe(7);
  const [row] = await listJobs(job);
  expect(row).toMatchObject({
    ...{ jobType: "repo.applyPatch", status: "succeeded", exitCode: 0 },
    metadata: { isolation: "git", commitSha: "c0ffee" },
  });
  const kept = await text(await blobStore().get(row?.transcriptBlobRef ?? ""));
  expect(kept).toMatch(/^cloned with /);
  expect(kept + JSON.stringify(row)).not.toContain("the-secret-of-this-environment");
  expect(await recordWork(job, async () => 8)).toBe(8);
  expect(await listJobs(job)).toEqual([row]);
});

it("says of work that fails why, unless it may work another time: then it goes on as the same job", async () => {
  const job = await work();
  const passing = new Unavailable("github_down", "GitHub does not answer.");
  await expect(recordWork(job, () => Promise.reject(passing))).rejects.toBe(passing);
  expect(await listJobs(job)).toMatchObject([{ status: "running" }]);
  const final = new InvalidInput("patch_empty", "It changes nothing.");
  await expect(recordWork(job, () => Promise.reject(final))).rejects.toBe(final);
  const [row] = await listJobs(job);
  expect(row).toMatchObject({ status: "failed", exitCode: null });
  expect(row?.metadata.tail).toContain("It changes nothing.");
});

it("stops work of a canceled run, which names no sandbox", async () => {
  const job = await work();
  const meanwhile = recordWork(job, async () => expect(await cancelJobsOfRun(job)).toEqual([]));
  await expect(meanwhile).rejects.toMatchObject({ code: "job_canceled" });
  await expect(recordWork(job, async () => 1)).rejects.toMatchObject({ code: "job_canceled" });
  expect(await listJobs(job)).toMatchObject([{ status: "canceled" }]);
});

const end = (runId: string, status: "failed" | "canceled") =>
  db().update(runs).set({ status, endedAt: new Date() }).where(eq(runs.id, runId));

it("is on record with its sandbox before that is made, and canceled when its run is", async () => {
  const sandbox = new Scripted(async () => ({}));
  const job = await request(sandbox);
  await announceJob({ ...job, sandbox: "scripted" });
  expect(await listJobs(job)).toMatchObject([{ status: "queued" }]);
  expect(await cancelJobsOfRun(job)).toEqual(["scripted"]);
  await expect(runJob(job)).rejects.toMatchObject({ code: "job_canceled" });
  expect(sandbox.started).toBe(0);
});

it("says of one that was announced and will not be run why, and leaves one that ran", async () => {
  const job = await request(new Scripted(async () => ({})));
  await announceJob({ ...job, sandbox: "scripted" });
  await endUnrun(job, "nothing can hold it");
  const [row] = await listJobs(job);
  expect(row).toMatchObject({ status: "failed", metadata: { tail: "nothing can hold it" } });
  await endUnrun(job, "again");
  const ran = { ...job, stepId: "verify/test-2" };
  await runJob(ran);
  await endUnrun(ran, "too late");
  expect(await listJobs(job)).toMatchObject([row, { status: "succeeded" }]);
});

it("is not begun for a run that has ended: of a canceled one nothing is left open", async () => {
  const [canceled, failed] = [new Scripted(async () => ({})), new Scripted(async () => ({}))];
  const late = await request(canceled);
  await end(late.runId, "canceled");
  const nobody = { code: "job_for_nobody" };
  await expect(announceJob({ ...late, sandbox: "late" })).rejects.toMatchObject(nobody);
  expect(await listJobs(late)).toMatchObject([{ status: "canceled" }]);
  const paused = await request(failed);
  await end(paused.runId, "failed");
  await expect(announceJob({ ...paused, sandbox: "paused" })).rejects.toMatchObject(nobody);
  expect(await listJobs(paused)).toMatchObject([{ status: "queued" }]);
});

it("names what a failed run has left in sandboxes, and nothing of one that is live", async () => {
  const sandbox = new Scripted(async () => ({}));
  const job = await request(sandbox);
  await runJob(job);
  await announceJob({ ...job, stepId: "draft/turn-1.1-x", sandbox: "left" });
  expect(await sandboxesLeftBehind(job)).toEqual([]);
  await end(job.runId, "failed");
  expect((await sandboxesLeftBehind(job)).sort()).toEqual(["left", "scripted"]);
});

it("names the sandbox of a run that ends between two of its jobs, so that it is not left behind", async () => {
  const sandbox = new Scripted(async () => ({}));
  const canceled = await request(sandbox);
  const done = await runJob(canceled);
  expect(await cancelJobsOfRun(canceled)).toEqual(["scripted"]);
  expect(await cancelJobsOfRun(canceled)).toEqual(["scripted"]);
  // What it came to stays.
  expect(await runJob(canceled)).toEqual(done);
  const failed = await request(sandbox);
  await runJob(failed);
  await end(failed.runId, "failed");
  expect(await sandboxesLeftBehind(failed)).toEqual(["scripted"]);
});

it("says of a job whose sandbox was stopped before it began that it failed", async () => {
  const gone = new NotFound("sandbox_gone", "The sandbox has been stopped.");
  const job = await request(new Scripted(() => Promise.reject(gone)));
  await expect(runJob(job)).rejects.toBe(gone);
  expect(await listJobs(job)).toMatchObject([{ status: "failed" }]);
});
