import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "#local/free-port.ts";
import { testNeonApi } from "#local/neon-api/testing.ts";
import { testUpstashApi } from "#local/upstash-api/testing.ts";
import { cloud as hostedCloud } from "#local/vercel/testing.ts";
import { type TestCloud, testCloud } from "../../test/support/cloud.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
let world: TestCloud;
let dir: string;
beforeAll(async () => {
  world = await testCloud();
  dir = await mkdtemp(join(tmpdir(), "countersign-doctor-"));
});
afterAll(async () => {
  await world?.close();
  if (dir) await rm(dir, { recursive: true, force: true });
});

interface Ran {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a person starts it, with this environment and no other. */
function doctor(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH, ...env } };
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? null) : 0, stdout, stderr }),
    );
  });
}

function states(stdout: string): Record<string, string> {
  const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string }[] };
  return Object.fromEntries(checks.map(({ name, state }) => [name, state]));
}

test("of the local cloud nothing fails, and what it has is found to work", async () => {
  const env = { ...world.cloud.env, COUNTERSIGN_URL: world.cloud.appUrl };
  const { code, stdout, stderr } = await doctor(["--json", "--seconds", "60"], env);
  expect({ code, stderr, ...states(stdout) }).toMatchObject({
    code: 0,
    environment: "ok",
    Node: "ok",
    git: "ok",
    Postgres: "ok",
    Inngest: "ok",
    "the app": "ok",
    "Upstash Vector": "ok",
    blobs: "ok",
    login: "ok",
    "approval seal": "ok",
    "audit key": "ok",
    GitHub: "ok",
    "GitHub webhooks": "ok",
    "the ledger service": "ok",
    model: "missing",
  });
  for (const name of ["GITHUB_TOKEN", "AUDIT_SIGNING_KEY", "DATABASE_URL", "LOCAL_AUTH_SECRET"]) {
    expect(stdout + stderr).not.toContain(world.cloud.env[name] ?? "absent");
  }
  // The probe is gone again.
  const blobs = await readdir(world.cloud.env.BLOB_DIR ?? "", { recursive: true });
  expect(blobs.filter((path) => path.startsWith("doctor/"))).toEqual([]);
}, 60_000);

test("the services that target apps are deployed to are asked as they want it, and a wrong key is told", async () => {
  const { DATABASE_URL: url = "", NEON_WS_PROXY: wsProxy = "" } = world.cloud.env;
  await using vercel = await hostedCloud();
  await using neon = await testNeonApi({ url, wsProxy });
  await using upstash = await testUpstashApi();
  const env = { ...vercel.env, ...neon.part.env, ...upstash.part.env };
  const works = await doctor(["--json", "--seconds", "60"], env);
  const names = ["Vercel", "Neon API", "Upstash API"];
  for (const name of names) expect([name, states(works.stdout)[name]]).toEqual([name, "ok"]);
  const wrong = { VERCEL_TOKEN: "other", NEON_API_KEY: "other", UPSTASH_API_KEY: "other" };
  const fails = await doctor(["--json", "--seconds", "60"], { ...env, ...wrong });
  for (const name of names) expect([name, states(fails.stdout)[name]]).toEqual([name, "failed"]);
}, 60_000);

test("a database that is not there fails it, and people read which and what to do", async () => {
  const relay = `127.0.0.1:${await freePort()}/v1`;
  const { code, stdout } = await doctor(["--seconds", "60"], {
    ...world.cloud.env,
    NEON_WS_PROXY: relay,
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^FAILED +Postgres +No connection.*\n +-> Check DATABASE_URL/m);
  expect(stdout).toMatch(/^ok +Upstash Vector/m);
  expect(stdout).not.toContain(world.cloud.databaseUrl);
}, 60_000);

test("variables may stand in a file; those that are set already win", async () => {
  const file = join(dir, "environment");
  await writeFile(file, "SANDBOX=docker\nMODEL_TIMEOUT_SECONDS=0\n");
  const { code, stdout } = await doctor(["--vars", file], { MODEL_TIMEOUT_SECONDS: "60" });
  expect(code).toBe(1);
  expect(stdout).toContain("SANDBOX");
  expect(stdout).not.toContain("MODEL_TIMEOUT_SECONDS");
}, 60_000);

test("a command line that makes no sense ends with 2, help with 0", async () => {
  expect(await doctor(["--yaml"])).toMatchObject({ code: 2, stdout: "" });
  expect(await doctor(["--vars", join(dir, "absent")])).toMatchObject({ code: 2, stdout: "" });
  expect(await doctor(["--seconds", "0"])).toMatchObject({ code: 2, stdout: "" });
  const help = await doctor(["--help"]);
  expect(help.code).toBe(0);
  for (const option of ["--json", "--vars", "Exit code"]) expect(help.stdout).toContain(option);
}, 60_000);
