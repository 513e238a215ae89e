import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { and, eq, sql } from "drizzle-orm";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { closeDb } from "#db/client.ts";
import { artifacts, deployments, infraResources } from "#db/schema.ts";
import { mintLocalToken } from "#lib/auth/local.ts";
import { providerOf } from "#lib/provision/providers.ts";
import { RESOURCE_TYPES, TYPES } from "#lib/provision/types.ts";
import { until } from "#local/client.ts";
import type { HubRepository } from "#local/hub.ts";
import { fetchBundle, verify } from "./support/bundles.ts";
import { OWNER, type TestCloud, testCloud } from "./support/cloud.ts";
import { type ApprovalRow, RunDesk } from "./support/runs.ts";
import { page, SHIP, Shipping } from "./support/shipping.ts";

let world: TestCloud;
let desk: RunDesk;
let ship: Shipping;
let projectId: string;

/** Each test has a repository, and a project at Vercel, of its own. */
const NAMES = ["whole", "manual", "broken", "denied", "killed"] as const;
type Name = (typeof NAMES)[number];
const TRUSTED = NAMES.map((name) => `acme/${name}`).join(",");

/** A page whose build says which variables it was given, never what they hold. */
const BUILD = `import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
const given = Object.keys(process.env).filter((name) => /^(DATABASE_URL|UPSTASH|STRIPE)/.test(name)).sort();
mkdirSync("dist", { recursive: true });
writeFileSync("dist/index.html", readFileSync("page.html", "utf8").trim() + " with " + given.join(" ") + "\\n");
if (readFileSync("page.html", "utf8").includes("explode")) throw new Error("the page exploded");
`;
const FILES = {
  "package.json": JSON.stringify({
    name: "shop",
    type: "module",
    scripts: { build: "node build.js" },
  }),
  "build.js": BUILD,
  "page.html": "First\n",
};

beforeAll(async () => {
  world = await testCloud({ targets: true, env: { SANDBOX_TRUSTED_REPOS: TRUSTED } });
  desk = new RunDesk(world, await world.client());
  ship = new Shipping(world, desk);
  projectId = await desk.project("shipping");
}, 90_000);
afterEach(() => ship.vercel("PUT", "/_hold", {}));
afterAll(async () => {
  await closeDb();
  await world?.close();
});

const connected = (name: Name) => ship.connected(projectId, name, FILES);

const ask = (repository: HubRepository, runId: string, content: string, deploy: object) =>
  ship.ask(
    repository,
    { projectId, runId, path: "page.html", content },
    { deploy: { project: repository.name, ...deploy } },
  );

/** What the bundle of a run's end says is out, as whoever verifies it offline reads it. */
async function shippedBy(runId: string) {
  const { zip } = await fetchBundle(world, await mintLocalToken(OWNER), runId);
  const { ok, run } = await verify(zip);
  expect(ok).toBe(true);
  return run?.commit;
}

const planOf = async ({ id }: ApprovalRow) =>
  (await desk.client.call<{ plan: string }>("GET", `/api/approvals/${id}`)).plan;

/** Where a provider keeps what is its own: it has to know what it hands out. */
const PROVIDERS = /^(?:vercel|neon-api|upstash-api|upstash-vector)\//;

/** Every row of every table, all files of the cloud but the providers' own, and all that was printed: as bytes. */
async function everythingKept(): Promise<Buffer> {
  const { rows: tables } = await world.database.execute<{ name: string }>(
    sql`select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  const parts: string[] = [...world.lines];
  for (const { name } of tables) {
    const { rows } = await world.database.execute(
      sql`select to_jsonb(t)::text as row from ${sql.identifier(name)} t`,
    );
    parts.push(...rows.map(({ row }) => String(row)));
  }
  const dir = dirname(world.cloud.env.BLOB_DIR ?? "");
  const files = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = files
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
    .filter((path) => !PROVIDERS.test(relative(dir, path)));
  // The engine's store and the blobs are among them, or nothing was looked at.
  expect(paths.some((path) => relative(dir, path).startsWith("inngest/"))).toBe(true);
  expect(paths.some((path) => relative(dir, path).startsWith("blobs/"))).toBe(true);
  const bytes = await Promise.all(paths.map((path) => readFile(path)));
  return Buffer.concat([Buffer.from(parts.join("\n")), ...bytes]);
}

/** What the providers hand out for the resources that there are: read again, as the run has done. */
async function providerSecrets(): Promise<string[]> {
  for (const [name, value] of Object.entries(world.cloud.env)) {
    if (/^(?:NEON|UPSTASH)_(?:API|EMAIL)/.test(name)) process.env[name] = value;
  }
  const rows = await world.database.select().from(infraResources);
  const secrets: string[] = [];
  for (const { provider, resourceType, externalId } of rows) {
    const type = RESOURCE_TYPES.find(
      (one) => TYPES[one].provider === provider && TYPES[one].resourceType === resourceType,
    );
    if (!type) continue;
    const { url = "", token } = await (await providerOf(type)).values(
      externalId,
      AbortSignal.timeout(10_000),
    );
    secrets.push(token ?? decodeURIComponent(new URL(url).password));
  }
  return secrets;
}

const resources = [
  { name: "orders", type: "neon.project" },
  { name: "words", type: "upstash.vector" },
  { name: "cache", type: "upstash.redis" },
];

test("a change goes to production with its databases; the next one finds them there, and goes back when production fails", async () => {
  const repository = await connected("whole");
  const first = await ask(repository, "run-first", "One\n", { resources });
  const approvals = await ship.grantAll(first, SHIP);
  const run = await desk.reached(first, "succeeded", 60);

  const names = "DATABASE_URL UPSTASH_REDIS_REST_TOKEN UPSTASH_REDIS_REST_URL";
  const { url } = run.result as { url: string };
  expect(await page(url)).toContain(`One with ${names}`);
  expect(await ship.hub.read(repository, ".env.example")).toContain("DATABASE_URL=\n");
  const infra = await planOf(approvals[2] as ApprovalRow);
  expect(infra).toContain('Create the Neon project "orders"');
  expect(infra).toContain("Environment contract");
  expect(infra).toContain("`DATABASE_URL`: the url of orders; to be set");

  const rows = await world.database.select().from(infraResources);
  expect(rows.map(({ provider, resourceType }) => `${provider} ${resourceType}`).sort()).toEqual([
    ...["neon db_project", "upstash redis_db", "upstash vector_index", "vercel project"],
  ]);
  const [deployed] = await world.database
    .select()
    .from(deployments)
    .where(eq(deployments.runId, first));
  const merge = (await desk.effects(first)).find(({ kind }) => kind === "repo.merge");
  expect(deployed).toMatchObject({ status: "ready", metadata: { commitSha: merge?.externalId } });
  const kinds = await world.database
    .select({ kind: artifacts.kind })
    .from(artifacts)
    .where(eq(artifacts.runId, first));
  expect(kinds.map(({ kind }) => kind)).toContain("ENVIRONMENT_CONTRACT");

  // Nothing new to be made: what is there is used, and nobody is asked about it.
  const second = await ask(repository, "run-second", "Two\n", { resources });
  const shipped = await ship.grantAll(
    second,
    SHIP.filter((scope) => scope !== "infra.provision"),
  );
  await desk.reached(second, "succeeded", 60);
  expect(await page(url)).toContain("Two with");
  expect(await planOf(shipped[3] as ApprovalRow)).toContain("Go back from");
  const unused = (await desk.effects(second)).find(({ kind }) => kind === "vercel.rollback");
  expect(unused?.status).toBe("abandoned");

  // Production that does not answer goes back, which was approved with the promotion.
  const third = await ask(repository, "run-third", "Three\n", {
    resources,
    health: { deadlineSeconds: 5 },
  });
  const given = await ship.grantAll(third, ["repo.push", "repo.merge", "deploy.production"]);
  const promotion = await ship.asked(third, given);
  await ship.vercel("PUT", "/_hold", { production: true });
  await desk.decide("granted", promotion);
  const failed = await desk.reached(third, "failed", 60);
  expect(failed.error).toMatch(/production_unhealthy: .* 404 instead of 200.*went back/);
  expect(failed.remediation).toBeTruthy();
  await ship.vercel("PUT", "/_hold", {});
  expect(await page(url)).toContain("Two with");
  const back = (await desk.effects(third)).find(({ kind }) => kind === "vercel.rollback");
  expect(back?.status).toBe("confirmed");

  // What was built is not out for that: the record of each run says how production was left.
  expect(await shippedBy(second)).toMatchObject({ by: "deployed" });
  const merged = (await desk.effects(third)).find(({ kind }) => kind === "repo.merge");
  expect(await shippedBy(third)).toMatchObject({ by: "merged", effectId: merged?.id });

  const secrets = await providerSecrets();
  expect(secrets.length).toBeGreaterThanOrEqual(3);
  const all = await everythingKept();
  expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
  // They are where they belong, so that what was looked for is what is used.
  const store = await readFile(
    join(dirname(world.cloud.env.BLOB_DIR ?? ""), "vercel", "vercel.db"),
  );
  const wal = join(dirname(world.cloud.env.BLOB_DIR ?? ""), "vercel", "vercel.db-wal");
  const kept = Buffer.concat([store, await readFile(wal)]);
  expect(secrets.filter((secret) => !kept.includes(secret))).toEqual([]);
}, 180_000);

test("what people make by hand is waited for, with instructions; who says something else is not heard", async () => {
  const repository = await connected("manual");
  const runId = await ask(repository, "run-manual", "Manual\n", {
    resources: [{ name: "orders", type: "neon.project", mode: "manual" }],
    variables: ["STRIPE_KEY"],
  });
  const given = await ship.grantAll(runId, ["repo.push", "repo.merge", "infra.provision"]);
  await desk.reached(runId, "waiting_external", 60);
  const event = await ship.instructed(runId);
  await desk.client.send({ ...event, data: { ...event.data, resourceId: "another" } });
  await desk.client.send({ ...event, data: { ...event.data, provider: "upstash" } });
  const { id } = (await ship.vercel("GET", "/v9/projects/manual")) as { id: string };
  for (const key of ["DATABASE_URL", "STRIPE_KEY"]) {
    const variable = { key, value: "by-hand", type: "encrypted", target: ["production"] };
    await ship.vercel("POST", `/v10/projects/${id}/env`, variable);
  }
  await desk.client.send({ ...event, data: { ...event.data, externalId: "made-by-hand-1" } });
  const deployment = await ship.asked(runId, given);
  await desk.decide("granted", deployment);
  await desk.decide("granted", await ship.asked(runId, [...given, deployment]));
  const { result } = await desk.reached(runId, "succeeded", 60);
  expect(await page((result as { url: string }).url)).toContain(
    "Manual with DATABASE_URL STRIPE_KEY",
  );
  const rows = await world.database
    .select()
    .from(infraResources)
    .where(and(eq(infraResources.runId, runId), eq(infraResources.provider, "neon")));
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ externalId: "made-by-hand-1", metadata: { mode: "manual" } });
  const noted = (await desk.audit(projectId)).filter(({ action }) => action === "infra.recorded");
  expect(noted.map(({ payload }) => payload.name)).toEqual(["orders"]);
}, 120_000);

test("a build that fails ends the run with the end of its log; asked for again, it is built anew after another approval", async () => {
  const repository = await connected("broken");
  const runId = await ask(repository, "run-broken", "explode\n", {});
  const given = await ship.grantAll(runId, [
    "repo.push",
    "repo.merge",
    "infra.provision",
    "deploy.production",
  ]);
  const failed = await desk.reached(runId, "failed", 60);
  expect(failed.error).toMatch(/^deployment_failed: /);
  expect(failed.error).toContain("the page exploded");
  expect(await statuses(runId)).toEqual(["error"]);

  await ship.askAgain(runId);
  const again = await ship.asked(runId, given);
  expect(again.scope).toBe("deploy.production");
  await desk.decide("granted", again);
  await until("a second failure", async () => (await statuses(runId)).length === 2);
  expect((await desk.reached(runId, "failed", 60)).attempt).toBe(2);
}, 120_000);

test("app and engine are killed while a build is waited for and no webhook is heard: the run goes on by itself, and builds once", async () => {
  const repository = await connected("killed");
  const runId = await ask(repository, "run-killed", "Killed\n", {});
  await ship.vercel("PUT", "/_hold", { builds: true });
  const given = await ship.grantAll(runId, ["repo.push", "repo.merge", "infra.provision"]);
  const deployment = await ship.asked(runId, given);
  await desk.decide("granted", deployment);
  await until("the wait for the build", async () => (await statuses(runId))[0] === "queued", 60);
  await desk.reached(runId, "waiting_external", 60);
  // The app is away while Vercel says that it is built.
  await world.cloud.parts.app.kill();
  await ship.vercel("PUT", "/_hold", {});
  await ship.built("killed");
  await world.cloud.restart("inngest");
  await world.cloud.restart("app");
  await desk.decide("granted", await ship.asked(runId, [...given, deployment]));
  const { result } = await desk.reached(runId, "succeeded", 60);
  expect(await page((result as { url: string }).url)).toContain("Killed");
  expect(await statuses(runId)).toEqual(["ready"]);
}, 180_000);

test("what is denied is not made", async () => {
  const repository = await connected("denied");
  const runId = await ask(repository, "run-denied", "Denied\n", { resources });
  const given = await ship.grantAll(runId, ["repo.push", "repo.merge"]);
  await desk.decide("denied", await ship.asked(runId, given));
  const failed = await desk.reached(runId, "failed", 60);
  expect(failed.error).toMatch(/^approval_denied: /);
  await expect(ship.vercel("GET", "/v9/projects/denied")).rejects.toThrow("404");
  const mine = eq(infraResources.runId, runId);
  expect(await world.database.select().from(infraResources).where(mine)).toEqual([]);
}, 120_000);

test("what changes outside is found and said, and nothing is repaired; what is removed with an approval is no finding", async () => {
  Object.assign(process.env, world.cloud.env);
  const { sweepDrift } = await import("#lib/drift/sweep.ts");
  const sweep = () => sweepDrift({ limit: 100, olderThanMs: 0 });
  expect(await sweep()).toMatchObject({ found: 0, failed: 0 });

  const rows = await world.database.select().from(infraResources);
  const row = (type: string) =>
    rows.find(({ resourceType, metadata }) => {
      return resourceType === type && metadata.mode === "automated";
    });
  const [database, words] = [row("db_project"), row("vector_index")];
  if (!database || !words) throw new Error("nothing was made");
  const removal = { target: "removal", resources: [database.id] };
  const asking = { projectId, runId: "run-removal", kind: "implementation", requestedBy: "ci" };
  await desk.client.send({ name: "run.requested", data: { ...asking, input: removal } });
  const approval = await ship.asked("run-removal", []);
  expect(approval.scope).toBe("infra.delete");
  expect(approval.intentSummary).toContain("REMOVE");
  await desk.decide("granted", approval);
  await desk.reached("run-removal", "succeeded", 60);
  const signal = AbortSignal.timeout(30_000);
  expect(await (await providerOf("neon.project")).read(database.externalId, signal)).toBeNull();
  expect(await sweep()).toMatchObject({ found: 0 });
  // Nobody is asked to approve the removal of what is removed.
  const twice = { ...asking, runId: "run-twice", input: removal };
  await desk.client.send({ name: "run.requested", data: twice });
  expect((await desk.reached("run-twice", "failed", 60)).error).toMatch(/^resource_not_ours: /);

  await (await providerOf("upstash.vector")).remove(words.externalId, signal);
  const ready = await world.database
    .select()
    .from(deployments)
    .where(eq(deployments.runId, "run-first"));
  const [first] = ready;
  await ship.vercel(
    "POST",
    `/v10/projects/${first?.vercelProjectId}/promote/${first?.vercelDeploymentId}`,
    {},
  );
  expect(await sweep()).toMatchObject({ found: 2, gone: 0 });
  expect(await sweep()).toMatchObject({ found: 0, gone: 0 });
  const listed = await desk.client.call<{ items: { detail: string; goneAt: string | null }[] }>(
    "GET",
    `/api/projects/${projectId}/findings`,
  );
  expect(listed.items.map(({ detail }) => detail).sort()).toEqual([
    expect.stringMatching(/^Production of whole serves dpl_\w+ and not dpl_\w+\.$/),
    expect.stringMatching(/^The Upstash vector index .* is not there any more\.$/),
  ]);

  const back = (await desk.effects("run-third")).find(({ kind }) => kind === "vercel.rollback");
  await ship.vercel(
    "POST",
    `/v10/projects/${first?.vercelProjectId}/promote/${back?.externalId}`,
    {},
  );
  expect(await sweep()).toMatchObject({ found: 0, gone: 1 });
  const told = (await desk.audit(projectId)).map(({ action }) => action);
  expect(told.filter((action) => action.startsWith("drift."))).toEqual([
    ...["drift.found", "drift.found", "drift.gone"],
  ]);
}, 120_000);

const statuses = async (runId: string) =>
  (await ship.deployments(runId)).map(({ status }) => status);
