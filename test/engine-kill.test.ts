import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type RunView, runsOf, until } from "#local/inngest/test-app.ts";
import { type PartProcess, startPartProcess } from "#local/process.ts";

const ROOT = join(import.meta.dirname, "..");
const SEND_TIMEOUT_MS = 1000;
/** The steps of one run of the app's `parent`, and of the `child` that it invokes. */
const PARENT_STEPS = ["child", "go", "last", "left", "nap", "one", "right"];
const CHILD_STEPS = ["child-1", "child-2"];

/** A line of the app's notes: a run's id and a step. */
const LINE_BYTES = 31;
/** Between two attempts to wake the runs that wait. */
const ROUND_MS = 100;

/** Engine and app, each as one file: they start in half the time, and this test starts them very often. */
let programs: string;
let dir: string;
let engine: PartProcess;
let app: PartProcess;

beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), "engine-kill-programs-"));
  await build({
    entryPoints: {
      engine: join(ROOT, "local/inngest/main.ts"),
      app: join(ROOT, "local/inngest/test-app-main.ts"),
    },
    outdir: programs,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
});
afterAll(() => rm(programs, { recursive: true, force: true }));

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "engine-kill-"));
  engine = await startPartProcess(join(programs, "engine.mjs"), { dir });
  app = await startPartProcess(join(programs, "app.mjs"), {
    dir,
    env: { INNGEST_DEV: engine.url },
  });
  const response = await fetch(app.url, { method: "PUT" });
  expect(response.status).toBe(200);
});
afterEach(async () => {
  await app.kill();
  await engine.kill();
  await rm(dir, { recursive: true, force: true });
});

const portOf = (part: PartProcess) => Number(new URL(part.url).port);

async function restartEngine(): Promise<void> {
  engine = await startPartProcess(join(programs, "engine.mjs"), { dir, port: portOf(engine) });
}

async function restartApp(): Promise<void> {
  const env = { INNGEST_DEV: engine.url };
  app = await startPartProcess(join(programs, "app.mjs"), { dir, port: portOf(app), env });
}

/** Sends until it is acknowledged: what a sender does whose server goes away at times. */
async function send(events: { id?: string; name: string; data: { n: number } }[]): Promise<void> {
  if (events.length === 0) return;
  await until(async () => {
    try {
      const response = await fetch(`${engine.url}/e/test`, {
        method: "POST",
        body: JSON.stringify(events),
        signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
      });
      return response.status === 200;
    } catch {
      return false; // the engine is down: sent again
    }
  });
}

const start = (numbers: readonly number[]) =>
  send(numbers.map((n) => ({ id: `start-${n}`, name: "kill/start", data: { n } })));
const go = (numbers: readonly number[]) =>
  send(numbers.map((n) => ({ name: "kill/go", data: { n } })));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** How often each step ran, by run: `<run> <step>` -> count. */
function ran(): Map<string, number> {
  const file = join(dir, "ran");
  const counts = new Map<string, number>();
  if (!existsSync(file)) return counts;
  for (const line of readFileSync(file, "utf8").trimEnd().split("\n")) {
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}

/** Until one to ten more steps have run, and a little longer: a random moment, also on a machine that is busy. */
async function untilMore(): Promise<void> {
  const file = join(dir, "ran");
  const size = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const goal = size() + LINE_BYTES * (1 + Math.floor(Math.random() * 10));
  await until(() => size() >= goal);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
}

interface Recorded {
  /** `<run> <step>`. */
  readonly step: string;
  readonly op: string;
  readonly result: string;
  readonly at: number;
}

/** The steps that the engine has recorded, read from its file while it is down. */
function recorded(): Recorded[] {
  const db = new DatabaseSync(join(dir, "engine.db"), { timeout: 5000 });
  try {
    return db
      .prepare("SELECT run_id || ' ' || name AS step, op, result, created_at AS at FROM steps")
      .all() as unknown as Recorded[];
  } finally {
    db.close();
  }
}

/** Wakes the runs that wait, until all have ended. */
async function untilAllEnded(numbers: readonly number[]): Promise<RunView[]> {
  await until(async () => {
    await go(numbers);
    await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
    return [...ran().keys()].filter((line) => line.endsWith(" last")).length === numbers.length;
  });
  const ended: RunView[] = [];
  for (const n of numbers) {
    const runs = await until(async () => {
      const found = await runsOf(engine, `start-${n}`);
      return found.every(({ status }) => status !== "Running") && found;
    });
    expect(runs).toHaveLength(1);
    ended.push(...runs);
  }
  return ended;
}

function expectAllDone(ended: readonly RunView[], numbers: readonly number[]): void {
  expect(ended.map(({ status, output }) => [status, output])).toEqual(
    numbers.map((n) => ["Completed", [n, n]]),
  );
}

test("the engine killed thirty times: every run ends, and no recorded step runs again", async () => {
  const kills = 30;
  const numbers = range(0, 200);
  /** Recorded before a kill -> what was recorded, and how often the step had run until then. */
  const settled = new Map<string, Recorded & { readonly times: number | undefined }>();
  for (let kill = 0; kill < kills; kill++) {
    const sent = Math.ceil((numbers.length * kill) / kills);
    const next = Math.ceil((numbers.length * (kill + 1)) / kills);
    const sending = start(numbers.slice(sent, next));
    const waking = go(numbers.slice(0, sent));
    await untilMore();
    await engine.kill();
    const counts = ran();
    for (const entry of recorded()) {
      if (!settled.has(entry.step))
        settled.set(entry.step, { ...entry, times: counts.get(entry.step) });
    }
    await restartEngine();
    await Promise.all([sending, waking]);
  }
  const ended = await untilAllEnded(numbers);
  expectAllDone(ended, numbers);

  await engine.kill();
  const steps = recorded();
  const byStep = new Map(steps.map((entry) => [entry.step, entry]));
  // Once each, and all of them.
  expect(byStep.size).toBe(steps.length);
  expect(steps.length).toBe(numbers.length * (PARENT_STEPS.length + CHILD_STEPS.length));
  for (const { run_id } of ended) {
    const own = steps.filter(({ step }) => step.startsWith(`${run_id} `));
    expect(own.map(({ step }) => step.split(" ")[1]).sort()).toEqual(PARENT_STEPS);
  }
  // What was recorded when the engine was killed stands, and has not run since.
  expect(settled.size).toBeGreaterThanOrEqual(kills);
  const counts = ran();
  for (const [step, before] of settled) {
    expect({ ...byStep.get(step), times: counts.get(step) }).toEqual(before);
  }
}, 240_000);

test("the app killed at random moments: every run ends", async () => {
  const numbers = range(0, 15);
  for (let kill = 0; kill < 3; kill++) {
    await start(numbers.slice(kill * 5, kill * 5 + 5));
    await untilMore();
    await app.kill();
    await go(numbers);
    await restartApp();
  }
  expectAllDone(await untilAllEnded(numbers), numbers);
}, 120_000);
