import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeDb } from "#db/client.ts";
import { repos } from "#db/schema.ts";
import { verifyAudit } from "#lib/audit/verify.ts";
import { until } from "#local/client.ts";
import type { HubRepository } from "#local/hub.ts";
import { Clock } from "./support/clock.ts";
import { type TestCloud, testCloud } from "./support/cloud.ts";
import { RunDesk } from "./support/runs.ts";
import { Shipping } from "./support/shipping.ts";

/** Whoever decides may take three days; where nothing is said, it is one. */
const PATIENT = { default: { expiresInMinutes: 3 * 24 * 60 } };
const [PROJECT, HASTY] = ["patient", "hasty"];
const NAMES = ["checks", "late", "build", "manual"] as const;
type Name = (typeof NAMES)[number];
/** Seconds in which a run goes on whose start came to nothing in the middle of all this: a sweeper looks for such every two minutes. */
const RECOVERS_WITHIN = 200;
/** What is deployed needs no build, so that no script of it is run. */
const FILES = { "README.md": "# First\n" };

let world: TestCloud;
let desk: RunDesk;
let ship: Shipping;
/** The approvals that were granted. */
const granted = new Set<string>();

beforeAll(async () => {
  // Where nothing can hold a build, only these are built.
  const trusted = NAMES.map((name) => `acme/${name}`).join(",");
  world = await testCloud({ targets: true, env: { SANDBOX_TRUSTED_REPOS: trusted } });
  desk = new RunDesk(world, await world.client());
  ship = new Shipping(world, desk);
  for (const project of [PROJECT, HASTY]) await desk.project(project);
  await desk.client.call("PUT", `/api/projects/${PROJECT}/policy`, PATIENT);
}, 90_000);
afterAll(async () => {
  await closeDb();
  await world?.close();
});

/** A run that changes a repository of its own; its id is the repository's name. */
async function ask(name: Name, more: object): Promise<HubRepository> {
  const repository = await ship.connected(PROJECT, name, FILES);
  const change = { projectId: PROJECT, runId: name, path: "README.md", content: `# ${name}\n` };
  await ship.ask(repository, change, more);
  return repository;
}

/** Grants what the run asks for, one after the other, as often as that. */
async function grant(runId: string, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    const decided = (await desk.approvals(runId)).filter(({ id }) => granted.has(id));
    const approval = await ship.asked(runId, decided);
    granted.add(approval.id);
    await desk.decide("granted", approval);
  }
}

async function setCheck(repository: HubRepository, state: "pending" | "success"): Promise<void> {
  const { owner, name: repo } = repository;
  const at = { owner, repo };
  const { data } = await ship.hub.octokit.rest.pulls.list({ ...at, state: "open" });
  const sha = data[0]?.head.sha ?? "";
  await ship.hub.octokit.rest.repos.createCommitStatus({ ...at, sha, state, context: "ci" });
}

/** A commit about which more is told than a run of the engine has steps for: the wait for its checks goes on in another. */
async function heardTooOften({ owner, name: repo }: HubRepository): Promise<void> {
  const { data } = await ship.hub.octokit.rest.pulls.list({ owner, repo, state: "open" });
  const [row] = await world.database.select().from(repos).where(eq(repos.name, repo));
  const told = { projectId: PROJECT, repoId: row?.id, commitSha: data[0]?.head.sha };
  await until(
    "a wait that was handed over",
    async () => {
      await desk.client.send({ name: "repo.checked", data: told });
      return world.lines.some((line) => /"await-checks","step":"look-201"/.test(line));
    },
    120,
  );
}

test("a day passes, with app and engine killed every six hours: every wait is there still, and what was waited for is done once", async () => {
  const book = "day";
  const approved = await desk.ask(PROJECT, book, [{ name: "approved", value: "1" }]);
  const expired = await desk.ask(HASTY, book, [{ name: "expired", value: "1" }]);
  const unknown = await desk.ask(PROJECT, "hangs", [{ kind: "note", name: "seen", value: "1" }]);
  await desk.ledger("PUT", "/_faults", { book: "hangs", fault: "hang", times: 1, ms: 3000 });
  await desk.decide("granted", await desk.approval(unknown));
  await ship.vercel("PUT", "/_hold", { builds: true });
  const required = { required: ["ci"], graceSeconds: 0 };
  const [checks, late] = await Promise.all([
    ask("checks", { checks: { ...required, deadlineMinutes: 3 * 24 * 60 } }),
    // An hour, since nothing else is said.
    ask("late", { checks: required }),
    ask("build", {
      deploy: { project: "build", health: { path: "/README.md" } },
    }),
    ask("manual", {
      deploy: {
        project: "manual",
        health: { path: "/README.md" },
        resources: [{ name: "orders", type: "neon.project", mode: "manual" }],
      },
    }),
  ]);
  await Promise.all([grant("checks", 1), grant("late", 1), grant("build", 4), grant("manual", 3)]);
  const waits = [
    ...[
      [approved, "waiting_approval"],
      [expired, "waiting_approval"],
    ],
    ...[unknown, "checks", "late", "build", "manual"].map((id) => [id, "waiting_external"]),
  ] as const;
  for (const [id = "", status = ""] of waits) await desk.reached(id, status, 60);
  await setCheck(checks, "pending");

  const clock = await Clock.of(world);
  // Six hours are more than it takes until a run counts as lost, so a sweeper begins some of them again.
  // Nobody hears of these two but by looking: their deadlines are over when there is somebody again who looks.
  await clock.pass(6, async () => {
    await setCheck(late, "success");
    await ship.vercel("PUT", "/_hold", {});
    await ship.built("build");
  });
  await Promise.all([grant("late", 1), grant("build", 1)]);
  for (const id of ["late", "build"]) await desk.reached(id, "succeeded", RECOVERS_WITHIN);

  const patient = waits.filter(([id = ""]) => !["late", "build"].includes(id));
  for (let hours = 6; hours < 24; hours += 6) {
    await clock.pass(6);
    for (const [id = "", status = ""] of patient) {
      if (id !== expired) await desk.reached(id, status, 60);
    }
  }
  // Its run ends, or asks anew where a sweeper has taken it for lost before it heard of that.
  await until(
    "the expiry",
    async () => (await desk.approvals(expired))[0]?.status === "expired",
    90,
  );

  await desk.decide("granted", await desk.approval(approved));
  const [effect] = await desk.effects(unknown);
  const resolved = { projectId: PROJECT, effectId: effect?.id, by: "owner", resolution: "resend" };
  await desk.client.send({ name: "effect.resolved", data: resolved });
  await heardTooOften(checks);
  await setCheck(checks, "success");
  const event = await ship.instructed("manual");
  const { id } = (await ship.vercel("GET", "/v9/projects/manual")) as { id: string };
  const variable = { key: "DATABASE_URL", value: "by-hand", type: "encrypted" };
  await ship.vercel("POST", `/v10/projects/${id}/env`, { ...variable, target: ["production"] });
  await desk.client.send({ ...event, data: { ...event.data, externalId: "by-hand-1" } });
  await Promise.all([grant("checks", 1), grant("manual", 2)]);
  for (const [id = ""] of patient)
    if (id !== expired) await desk.reached(id, "succeeded", RECOVERS_WITHIN);

  expect(await desk.objects(book)).toEqual(["approved"]);
  expect(await desk.objects("hangs")).toEqual(["seen"]);
  for (const name of NAMES) {
    const repo = { owner: "acme", repo: name };
    const { data } = await ship.hub.octokit.rest.pulls.list({ ...repo, state: "all" });
    expect(data).toHaveLength(1);
    expect(data[0]?.merged_at).toBeTruthy();
    const effects = await desk.effects(name);
    expect(effects.filter(({ status }) => status !== "confirmed")).toEqual([]);
  }
  for (const projectId of [PROJECT, HASTY]) {
    const entries = (await desk.audit(projectId)).map(({ id: _, recordedAt, ...entry }) => {
      return { ...entry, recordedAt: recordedAt.toISOString() };
    });
    expect(verifyAudit({ projectId, entries })).toMatchObject({ ok: true });
  }
}, 600_000);
