import { type Client, until } from "./client.ts";
import type { Cloud } from "./cloud.ts";
import { Hub, type HubRepository } from "./hub.ts";

/** The sample as the local GitHub names it; its scripts may run also where nothing can isolate them. */
export const SAMPLE_REPOSITORY = "acme/buoy-battery";

const SAMPLE = new URL("../samples/repository", import.meta.url).pathname;
const QUESTION = "for how many days does a full battery feed the loads";
const TITLE = "Days of operation in the cold";

/** What a person wants to be different in the sample: batteries lose charge in the cold. */
const CHANGES = {
  from: "diff",
  diff: `--- a/lib/battery.ts
+++ b/lib/battery.ts
@@ -27,3 +27,13 @@
   const milliampereHours = battery.capacityAh * 1000 * battery.usable;
   return Math.floor(milliampereHours / meanCurrent(loads) / 24);
 }
+
+/** What a battery has left of its charge at a temperature in degrees Celsius: 1 % less for each degree below 20. */
+export function chargeAt(celsius: number): number {
+  return Math.min(1, Math.max(0, 1 - (20 - celsius) / 100));
+}
+
+/** For how many whole days a battery feeds the loads in the cold. */
+export function daysInTheCold(battery: Battery, loads: readonly Load[], celsius: number): number {
+  return daysOfOperation({ ...battery, usable: battery.usable * chargeAt(celsius) }, loads);
+}
--- a/lib/battery.test.ts
+++ b/lib/battery.test.ts
@@ -1,6 +1,6 @@
 import assert from "node:assert/strict";
 import { test } from "node:test";
-import { daysOfOperation, type Load, meanCurrent } from "./battery.ts";
+import { daysInTheCold, daysOfOperation, type Load, meanCurrent } from "./battery.ts";
 
 const sensor: Load = { name: "sensor", milliamperes: 60, secondsPerHour: 360 };
 const modem: Load = { name: "modem", milliamperes: 400, secondsPerHour: 45 };
@@ -17,3 +17,8 @@
 test("a load cannot be on for longer than an hour an hour", () => {
   assert.throws(() => meanCurrent([{ ...modem, secondsPerHour: 3601 }]), RangeError);
 });
+
+test("a battery lasts shorter in the cold", () => {
+  const battery = { capacityAh: 40, usable: 0.8 };
+  assert.equal(daysInTheCold(battery, [sensor, modem], 0), 96);
+});
`,
};

/** A change that looks harmless and breaks a test. */
const BROKEN = {
  from: "diff",
  diff: `--- a/lib/battery.ts
+++ b/lib/battery.ts
@@ -25,5 +25,5 @@
 /** For how many whole days a full battery feeds the loads. */
 export function daysOfOperation(battery: Battery, loads: readonly Load[]): number {
-  const milliampereHours = battery.capacityAh * 1000 * battery.usable;
+  const milliampereHours = battery.capacityAh * 1000;
   return Math.floor(milliampereHours / meanCurrent(loads) / 24);
 }
`,
};

/** The sample repository on the local GitHub, made when it is not there. */
export async function sampleRepository(cloud: Pick<Cloud, "env">): Promise<HubRepository> {
  const [owner = "", name = ""] = SAMPLE_REPOSITORY.split("/");
  const hub = new Hub(cloud);
  return (await hub.find(owner, name)) ?? (await hub.create(name, SAMPLE));
}

interface Approval {
  readonly id: string;
  readonly runId: string;
  readonly scope: string;
  readonly intentSummary: string;
  readonly intentHash: string;
}

export interface Delivered {
  readonly pull_request: {
    readonly number: number;
    readonly merged: boolean;
    readonly sha: string;
  };
  /** What production answers at `url` now. */
  readonly deployment: { readonly url: string; readonly status: number };
}

/** The run whose change goes all the way. */
export const DELIVERY_RUN = "demo-implementation";

/** Where the sample goes: a project at Vercel with a database of its own. */
const DEPLOY = {
  project: "buoy-battery",
  resources: [{ name: "measurements", type: "neon.project" }],
  health: { path: "/", contains: "How long the battery lasts" },
};

/**
 * Connects a sample repository, takes a change over its merged pull request to production with all approvals given by event, and
 * shows that a change which breaks a test stops before anything is changed outside.
 */
export async function deliver({
  client,
  cloud,
  projectId,
  by,
}: {
  client: Client;
  cloud: Cloud;
  projectId: string;
  by: string;
}): Promise<Delivered> {
  const hub = new Hub(cloud);
  const repository = await sampleRepository(cloud);
  const full = `${repository.owner}/${repository.name}`;
  await connect(client, projectId, repository);
  const { hits } = await client.search(projectId, QUESTION, 10);
  const code = hits.find(({ type }) => type === "code");
  console.log(
    `\n? ${QUESTION}\n    ${code ? `${code.score.toFixed(3)}  ${code.path}` : "no code"}`,
  );

  const ask = async (runId: string, title: string, changes: object, more: object = {}) => {
    console.log(`\nSending run.requested, kind implementation: ${title}`);
    const input = { target: "repository", repository: full, title, changes, ...more };
    const data = { projectId, runId, kind: "implementation", requestedBy: "ci", input };
    await client.send({ name: "run.requested", data });
  };
  const ended = async (runId: string, status: string) =>
    await until(`${runId} ${status}`, async () => {
      const run = await client.run(runId).catch(() => null);
      if (run && ["failed", "succeeded"].includes(run.status) && run.status !== status) {
        throw new Error(`${runId} is ${run.status}: ${run.error}`);
      }
      return run?.status === status && run;
    });
  const granted = new Set<string>();
  const grant = async (runId: string, scope: string) => {
    const approval = await until(`an approval of ${scope}`, async () => {
      const query = new URLSearchParams({ projectId, status: "pending" });
      const page = await client.call<{ items: Approval[] }>("GET", `/api/approvals?${query}`);
      const run = await client.run(runId).catch(() => null);
      if (run?.status === "failed") throw new Error(`${runId} failed: ${run.error}`);
      return page.items.find(
        (one) => one.runId === runId && one.scope === scope && !granted.has(one.id),
      );
    });
    const { id: approvalId, intentHash, intentSummary } = approval;
    granted.add(approvalId);
    console.log(`  approving ${scope}: ${intentSummary}`);
    console.log(`    bound to the intent hash ${intentHash}`);
    await client.send({
      name: "approval.granted",
      data: { projectId, approvalId, intentHash, by },
    });
  };

  const runId = DELIVERY_RUN;
  await ask(runId, TITLE, CHANGES, { deploy: DEPLOY });
  await grant(runId, "repo.push");
  const pull = await until("the pull request", async () => {
    const { data } = await hub.octokit.rest.pulls.list({
      owner: repository.owner,
      repo: repository.name,
    });
    return data[0];
  });
  console.log(
    `  pull request ${pull.number} is open at ${pull.html_url}; its CI says that it is good`,
  );
  await hub.octokit.rest.repos.createCommitStatus({
    ...{ owner: repository.owner, repo: repository.name, sha: pull.head.sha },
    ...{ state: "success", context: "ci/test", description: "all tests passed" },
  });
  await grant(runId, "repo.merge");
  await grant(runId, "infra.provision");
  await grant(runId, "deploy.production");
  await grant(runId, "deploy.production");
  const run = await ended(runId, "succeeded");
  const { url } = run.result as { url: string };
  const answer = await fetch(url);
  const [, heading = ""] = /<h1>(.*?)<\/h1>/.exec(await answer.text()) ?? [];
  console.log(`  production answers ${answer.status} at ${url}: “${heading}”`);
  const { data: merged } = await hub.octokit.rest.pulls.get({
    ...{ owner: repository.owner, repo: repository.name, pull_number: pull.number },
  });
  console.log(`\ngit log of a fresh clone of ${full}:`);
  for (const line of (await hub.log(repository)).trimEnd().split("\n")) console.log(`    ${line}`);

  await ask("demo-broken", "A shorter formula", BROKEN);
  const broken = await ended("demo-broken", "failed");
  console.log(`  stopped before any change outside:`);
  for (const line of (broken.error ?? "").split("\n")) console.log(`    ${line}`);
  const { number } = pull;
  return {
    pull_request: { number, merged: merged.merged, sha: merged.merge_commit_sha ?? "" },
    deployment: { url, status: answer.status },
  };
}

async function connect(
  client: Client,
  projectId: string,
  repository: HubRepository,
): Promise<void> {
  const { owner, name } = repository;
  console.log(`\nSending repo.connected for ${owner}/${name}`);
  await client.send({ name: "repo.connected", data: { projectId, owner, name } });
  const index = await until("the code index", async () => {
    const { items } = await client.call<{
      items: { index: { state: string; files: number; chunks: number; error: string | null } }[];
    }>("GET", `/api/projects/${projectId}/repos`);
    const [repo] = items;
    if (repo?.index.state === "failed") throw new Error(`not indexed: ${repo.index.error}`);
    return repo?.index.state === "indexed" && repo.index;
  });
  console.log(`  ${index.files} files are indexed in ${index.chunks} chunks`);
}
