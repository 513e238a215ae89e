import { randomUUID } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { artifacts, sandboxJobs } from "#db/schema.ts";
import { BUNDLE_KIND, PROVENANCE_KIND } from "#lib/artifacts/kinds.ts";
import { until } from "#local/client.ts";
import { Hub, type HubRepository } from "#local/hub.ts";
import { OWNER, type TestCloud, testCloud } from "./support/cloud.ts";
import { RunDesk } from "./support/runs.ts";

const SAMPLE = join(import.meta.dirname, "../samples/repository");
const README = "README.md";

let world: TestCloud;
let desk: RunDesk;
let hub: Hub;
let projectId: string;

beforeAll(async () => {
  world = await testCloud({ env: { SANDBOX_TRUSTED_REPOS: TRUSTED } });
  desk = new RunDesk(world, await world.client());
  hub = new Hub(world.cloud);
  projectId = await desk.project("delivery");
}, 90_000);
afterAll(() => world?.close());

/** Each test has a repository of its own; where nothing can isolate them, they are trusted by name. */
const NAMES = [
  "whole",
  "broken",
  "planned",
  "line",
  "third",
  "retargeted",
  "head",
  "checks",
  "denied",
  "canceled",
  "refused",
] as const;
const TRUSTED = NAMES.map((name) => `acme/${name}`).join(",");

async function connected(name: (typeof NAMES)[number]): Promise<HubRepository> {
  const repository = await hub.create(name, SAMPLE);
  const { owner } = repository;
  await desk.client.send({ name: "repo.connected", data: { projectId, owner, name } });
  await until(`${name} connected`, async () => {
    const path = `/api/projects/${projectId}/repos?limit=100`;
    const { items } = await desk.client.call<{ items: { name: string }[] }>("GET", path);
    return items.some((repo) => repo.name === name);
  });
  return repository;
}

const readme = (content: string) => ({ from: "files", files: [{ path: README, content }] });

async function ask(
  { owner, name }: HubRepository,
  runId: string,
  changes: object,
  more: { mode?: string } & Record<string, unknown> = {},
): Promise<string> {
  const { mode = "apply", ...fields } = more;
  const input = {
    target: "repository",
    repository: `${owner}/${name}`,
    title: "A change",
    changes,
  };
  const data = { projectId, runId, kind: "implementation", requestedBy: "ci", mode };
  await desk.client.send({
    name: "run.requested",
    data: { ...data, input: { ...input, ...fields } },
  });
  return runId;
}

const grant = async (runId: string, not?: Parameters<RunDesk["approval"]>[2]) => {
  const approval = await desk.approval(runId, "pending", not);
  await desk.decide("granted", approval);
  return approval;
};

const at = ({ owner, name: repo }: HubRepository) => ({ owner, repo });

/** The pull request of the run once it is there; its checks are then said to be `state`. */
async function pull(repository: HubRepository, runId: string, state?: "success" | "failure") {
  const found = await until(`pull request of ${runId}`, async () => {
    const { data } = await hub.octokit.rest.pulls.list({ ...at(repository), state: "open" });
    return data.find(({ head }) => head.ref === `countersign/${runId}`);
  });
  if (state) await say(repository, found.head.sha, state);
  return found;
}

const say = (repository: HubRepository, sha: string, state: "success" | "failure") =>
  hub.octokit.rest.repos.createCommitStatus({ ...at(repository), sha, state, context: "ci/test" });

const merges = async (repository: HubRepository, runId: string) => {
  const run = await desk.reached(runId, "succeeded", 60);
  const { data } = await hub.octokit.rest.pulls.list({ ...at(repository), state: "all" });
  expect(data.find(({ head }) => head.ref === `countersign/${runId}`)?.merged_at).toBeTruthy();
  return run;
};

test("a change is planned, verified, approved, pushed, opened, checked, approved and merged, and all of it is on record", async () => {
  const repository = await connected("whole");
  const runId = await ask(repository, "run-whole", readme("# Better\n"));
  const push = await grant(runId);
  expect(push).toMatchObject({ scope: "repo.push" });
  const { plan } = await desk.client.call<{ plan: string }>("GET", `/api/approvals/${push.id}`);
  expect(plan).toContain("-# buoy-battery\n");
  expect(plan).toContain("+# Better\n");
  const { number, head, body } = await pull(repository, runId, "success");
  expect(body).toContain("verify.test: passed");
  const merge = await grant(runId, push);
  expect(merge).toMatchObject({ scope: "repo.merge" });
  await merges(repository, runId);

  expect(await hub.read(repository, README)).toBe("# Better\n");
  const effects = await desk.effects(runId);
  expect(effects.map(({ kind, status }) => [kind, status])).toEqual(
    expect.arrayContaining([
      ["repo.push", "confirmed"],
      ["repo.pull", "confirmed"],
      ["repo.merge", "confirmed"],
      ["repo.cleanup", "confirmed"],
    ]),
  );
  const of = (kind: string) => effects.find((effect) => effect.kind === kind);
  expect(of("repo.push")?.externalId).toBe(head.sha);
  expect(of("repo.pull")?.externalId).toBe(String(number));
  const message = await hub.inClone(repository, (clone) =>
    hub.git(clone, "log", "-1", "--format=%B", head.sha),
  );
  expect(message).toContain(`Countersign-Effect: ${of("repo.push")?.marker}`);
  const branches = await hub.octokit.rest.repos.listBranches(at(repository));
  expect(branches.data.map(({ name }) => name)).toEqual(["main"]);

  const rows = await world.database.select().from(artifacts).where(eq(artifacts.runId, runId));
  const kinds = rows.map(({ kind }) => kind);
  // Those of its bundle come after its end.
  expect(new Set(kinds.filter((kind) => kind !== PROVENANCE_KIND && kind !== BUNDLE_KIND))).toEqual(
    new Set(["IMPLEMENTATION_PLAN", "PATCHSET", "VERIFICATION_REPORT", "PLAN"]),
  );
  const jobs = await world.database
    .select()
    .from(sandboxJobs)
    .where(eq(sandboxJobs.runId, runId))
    .orderBy(sandboxJobs.id);
  expect(jobs.map(({ jobType, status, exitCode }) => [jobType, status, exitCode])).toEqual([
    ["repo.applyPatch", "succeeded", 0],
    ["repo.clone", "succeeded", 0],
    ["verify.test", "succeeded", 0],
    ["verify.build", "succeeded", 0],
  ]);
}, 120_000);

test("a change that breaks a test ends before anything is changed outside, and says which", async () => {
  const repository = await connected("broken");
  const source = await readFile(join(SAMPLE, "lib/battery.ts"), "utf8");
  const content = source.replace(" * battery.usable;", ";");
  const changes = { from: "files", files: [{ path: "lib/battery.ts", content }] };
  const runId = await ask(repository, "run-broken", changes);
  const run = await desk.reached(runId, "failed", 60);
  expect(run.error).toMatch(/^verification_failed: /);
  expect(run.error).toContain("a battery lasts as long as its usable charge");
  expect(run.remediation).toContain("new run");
  expect(await desk.effects(runId)).toEqual([]);
  expect(await desk.approvals(runId)).toEqual([]);
  const { data } = await hub.octokit.rest.repos.listBranches(at(repository));
  expect(data).toHaveLength(1);
}, 120_000);

test("mode plan ends with the plan of the push, and nothing was changed", async () => {
  const repository = await connected("planned");
  const runId = await ask(repository, "run-planned", readme("x\n"), { mode: "plan" });
  const { result } = await desk.reached(runId, "succeeded", 60);
  const [plan] = await world.database
    .select()
    .from(artifacts)
    .where(eq(artifacts.id, String(result?.planArtifactId)));
  expect(plan?.content).toContain("repo.push");
  expect(await desk.effects(runId)).toEqual([]);
}, 120_000);

test("of two runs that change the same line the second gets a conflict, and no commit is lost", async () => {
  const repository = await connected("line");
  const first = await ask(repository, "run-line-1", readme("first\n"), { verify: [] });
  const second = await ask(repository, "run-line-2", readme("second\n"), { verify: [] });
  for (const runId of [first, second]) {
    await grant(runId);
    await pull(repository, runId, "success");
  }
  await until("both ask for the merge", async () => {
    const all = await Promise.all([first, second].map((runId) => desk.approvals(runId)));
    return all.every((rows) => rows.some(({ scope }) => scope === "repo.merge"));
  });
  await grant(first);
  await merges(repository, first);
  await grant(second);
  const run = await desk.reached(second, "failed", 60);
  expect(run.error).toMatch(/^merge_conflict: /);
  expect(await hub.read(repository, README)).toBe("first\n");
}, 120_000);

test("what a third party pushes to the base before the merge stays, and the merge is approved anew", async () => {
  const repository = await connected("third");
  const runId = await ask(repository, "run-third", readme("ours\n"), { verify: [] });
  await grant(runId);
  await pull(repository, runId, "success");
  const early = await until("the merge is asked for", async () =>
    (await desk.approvals(runId)).find(({ scope }) => scope === "repo.merge"),
  );
  await hub.inClone(repository, async (clone) => {
    await writeFile(join(clone, "THEIRS.md"), "theirs\n");
    await hub.git(clone, "add", "--all");
    await hub.git(clone, "commit", "--quiet", "--message=Theirs");
    await hub.git(clone, "push", "--quiet", "origin", "main");
  });
  await desk.decide("granted", early);
  const late = await grant(runId, early);
  expect(late.intentHash).not.toBe(early.intentHash);
  await merges(repository, runId);
  expect(await hub.read(repository, README)).toBe("ours\n");
  expect(await hub.read(repository, "THEIRS.md")).toBe("theirs\n");
  const rows = await desk.approvals(runId);
  expect(rows.find(({ id }) => id === early.id)?.status).toMatch(/superseded|used/);
}, 120_000);

test("a pull request that is for another branch by now is merged nowhere, and goes on once it has its base back", async () => {
  const repository = await connected("retargeted");
  const runId = await ask(repository, "run-retargeted", readme("ours\n"), { verify: [] });
  await grant(runId);
  const { number, base } = await pull(repository, runId, "success");
  const merge = await until("the merge is asked for", async () =>
    (await desk.approvals(runId)).find(({ scope }) => scope === "repo.merge"),
  );
  const there = at(repository);
  const { git, pulls } = hub.octokit.rest;
  await git.createRef({ ...there, ref: "refs/heads/production", sha: base.sha });
  await pulls.update({ ...there, pull_number: number, base: "production" });
  await desk.decide("granted", merge);
  const run = await desk.reached(runId, "failed", 60);
  expect(run.error).toMatch(/^base_changed: /);
  for (const branch of ["main", "production"]) {
    expect((await git.getRef({ ...there, ref: `heads/${branch}` })).data.object.sha).toBe(base.sha);
  }

  await pulls.update({ ...there, pull_number: number, base: "main" });
  await ask(repository, runId, readme("ours\n"), { verify: [] });
  await grant(runId, merge);
  await merges(repository, runId);
  expect(await hub.read(repository, README)).toBe("ours\n");
}, 120_000);

test("a head that moves after the grant voids it: the new head is checked, shown for what it is, and approved anew", async () => {
  const repository = await connected("head");
  const runId = await ask(repository, "run-head", readme("ours\n"), { verify: [] });
  await grant(runId);
  const { head } = await pull(repository, runId, "success");
  const early = await until("the merge is asked for", async () =>
    (await desk.approvals(runId)).find(({ scope }) => scope === "repo.merge"),
  );
  const moved = await hub.inClone(repository, async (clone) => {
    await hub.git(clone, "checkout", "--quiet", `countersign/${runId}`);
    await writeFile(join(clone, "EXTRA.md"), "extra\n");
    await hub.git(clone, "add", "--all");
    await hub.git(clone, "commit", "--quiet", "--message=Extra");
    await hub.git(clone, "push", "--quiet", "origin", "HEAD");
    return (await hub.git(clone, "rev-parse", "HEAD")).trim();
  });
  await desk.decide("granted", early);
  await until("the run waits for the checks of the new head", async () => {
    const run = await desk.run(runId);
    return run.status === "waiting_external";
  });
  expect(await hub.read(repository, README)).not.toBe("ours\n");
  await say(repository, moved, "success");
  const late = await grant(runId, early);
  expect(late.intentSummary).toContain(`NOT the verified commit ${head.sha.slice(0, 12)}`);
  await merges(repository, runId);
  expect(await hub.read(repository, "EXTRA.md")).toBe("extra\n");
}, 120_000);

test("checks that fail stop the run at the gate and name themselves; good ones let it go on where it stopped", async () => {
  const repository = await connected("checks");
  const runId = await ask(repository, "run-checks", readme("x\n"), { verify: [] });
  await grant(runId);
  const { head, number } = await pull(repository, runId, "failure");
  const run = await desk.reached(runId, "failed", 60);
  expect(run.error).toMatch(/^checks_failed: .*ci\/test \(failure\)/);
  expect((await desk.approvals(runId)).map(({ scope }) => scope)).toEqual(["repo.push"]);

  await say(repository, head.sha, "success");
  await ask(repository, runId, readme("x\n"), { verify: [] });
  await until("the merge is asked for", async () =>
    (await desk.approvals(runId)).find(({ scope }) => scope === "repo.merge"),
  );
  await grant(runId);
  expect((await merges(repository, runId)).attempt).toBe(2);
  const { data } = await hub.octokit.rest.pulls.list({ ...at(repository), state: "all" });
  expect(data.map((one) => one.number)).toEqual([number]);
}, 120_000);

test("a push that is denied changes nothing outside", async () => {
  const repository = await connected("denied");
  const runId = await ask(repository, "run-denied", readme("x\n"), { verify: [] });
  await desk.decide("denied", await desk.approval(runId), { by: OWNER, note: "not now" });
  const run = await desk.reached(runId, "failed", 60);
  expect(run.error).toMatch(/^approval_denied: /);
  const { data } = await hub.octokit.rest.repos.listBranches(at(repository));
  expect(data).toHaveLength(1);
}, 120_000);

test("a run that is canceled while its checks run ends them", async () => {
  const repository = await connected("canceled");
  const slow = `wait-${randomUUID()}.ts`;
  const packageJson = JSON.stringify({ type: "module", scripts: { test: `node ${slow}` } });
  const runId = await ask(repository, "run-canceled", {
    from: "files",
    files: [
      { path: "package.json", content: packageJson },
      { path: slow, content: "setTimeout(() => {}, 300_000);\n" },
    ],
  });
  // As its own command line has it: git's, which writes the file, and the shell's have its name too.
  const check = `node\0${slow}`;
  await until("the check runs", async () => (await processes(check)) > 0);
  const by = { projectId, runId, by: OWNER, reason: "enough" };
  await desk.client.send({ name: "run.cancel.requested", data: by });
  await desk.reached(runId, "canceled");
  await until("the check has ended", async () => (await processes(check)) === 0);
  const jobs = await world.database.select().from(sandboxJobs).where(eq(sandboxJobs.runId, runId));
  const checks = jobs.filter(({ jobType }) => jobType.startsWith("verify."));
  expect(checks.map(({ status }) => status)).toEqual(["canceled"]);
}, 120_000);

/** How many processes of this machine have this in their command line, whose words end with NUL. */
async function processes(words: string): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    // One that has ended meanwhile has none.
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.filter((line) => line.includes(words)).length;
}

/** One for all of them, made by the first that runs. */
let refusing: Promise<HubRepository> | undefined;

test.each([
  ["a repository that is not connected", { repository: "nobody/nothing" }, "repo_not_connected"],
  ["a base that is not there", { base: "nowhere" }, "branch_not_found"],
  ["an artifact that is not there", { artifacts: [{ kind: "PRD" }] }, "artifact_not_found"],
  ["a change from a model where there is none", { changes: { from: "model" } }, "model_missing"],
  [
    "a diff that does not apply",
    { changes: { from: "diff", diff: "nonsense" } },
    "patch_does_not_apply",
  ],
])(
  "%s ends the run with what is wrong",
  async (_, more, code) => {
    refusing ??= connected("refused");
    const repository = await refusing;
    const { changes = readme("y\n"), ...fields } = more as Record<string, object>;
    const runId = await ask(repository, `run-${code}`, changes, fields);
    const run = await desk.reached(runId, "failed", 60);
    expect(run.error).toMatch(new RegExp(`^${code}: `));
    expect(run.remediation).not.toBe("");
  },
  60_000,
);
