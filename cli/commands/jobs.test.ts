import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runs, sandboxJobs } from "#db/schema.ts";
import { mintLocalToken } from "#lib/auth/local.ts";
import { makeProject, OWNER, type TestCloud, testCloud } from "../../test/support/cloud.ts";
import { RunDesk } from "../../test/support/runs.ts";
import { cli } from "../cli.ts";

const projectId = "jobs";
const [startedAt, endedAt] = [new Date("2026-01-01T00:00:00Z"), new Date("2026-01-01T00:00:02.5Z")];
let world: TestCloud;

beforeAll(async () => {
  world = await testCloud();
  const desk = new RunDesk(world, await world.client());
  await makeProject(desk.client, projectId);
  await desk.project(projectId);
  const kind = "implementation" as const;
  for (const id of ["run-jobs", "run-none"]) {
    await world.database.insert(runs).values({ id, projectId, kind, input: {}, requestedBy: "ci" });
  }
  const job = { projectId, runId: "run-jobs", startedAt };
  await world.database.insert(sandboxJobs).values([
    {
      ...{ ...job, id: "job-1", stepId: "patch/make.1", jobType: "repo.applyPatch" },
      ...{ status: "succeeded", exitCode: 0, endedAt, transcriptBlobRef: "projects/jobs/1.txt" },
      metadata: { isolation: "git", commitSha: "c0ffee", tail: "said" },
    },
    {
      ...{ ...job, id: "job-2", stepId: "verify/\u001b[31mtest-1", jobType: "verify.test" },
      ...{ status: "running", createdAt: new Date(Date.now() + 1000) },
      metadata: { isolation: "bubblewrap", command: ["npm", "test"] },
    },
  ]);
}, 90_000);
afterAll(() => world?.close());

/** Runs the command line as this owner and gives what it printed. */
async function run(args: readonly string[], owner = OWNER): Promise<{ code: number; out: string }> {
  const before = { ...process.env };
  let out = "";
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, "write").mockImplementation((text) => {
      out += text;
      return true;
    }),
  );
  const COUNTERSIGN_TOKEN = await mintLocalToken(owner);
  Object.assign(process.env, { COUNTERSIGN_URL: world.cloud.appUrl, COUNTERSIGN_TOKEN });
  try {
    return { code: await cli(args), out };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.env = before;
  }
}

test("a run's jobs are listed with status, time and transcript; what a step is called cannot move the cursor", async () => {
  const { code, out } = await run(["jobs", "run-jobs"]);
  expect(code).toBe(0);
  const [, first = "", second = ""] = out.split("\n");
  expect(first).toMatch(
    /^job-1 +repo\.applyPatch +succeeded +0 +git +patch\/make\.1 .* 2\.5 +projects\/jobs\/1\.txt/,
  );
  expect(second).toMatch(/^job-2 +verify\.test +running +bubblewrap/);
  expect(out).not.toContain("\u001b");
});

test("programs get it as JSON, without what was said", async () => {
  const { out } = await run(["--json", "jobs", "run-jobs"]);
  const { items } = JSON.parse(out);
  expect(items).toMatchObject([
    { id: "job-1", commitSha: "c0ffee", command: null, transcriptRef: "projects/jobs/1.txt" },
    { id: "job-2", exitCode: null, endedAt: null, command: ["npm", "test"] },
  ]);
  expect(out).not.toContain("said");
});

test("a run without jobs says so, and one of somebody else is not there", async () => {
  expect((await run(["jobs", "run-none"])).out).toBe("No jobs.\n");
  expect((await run(["jobs", "run-jobs"], "somebody")).code).not.toBe(0);
});
