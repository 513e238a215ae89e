import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type PartProcess, startPartProcess } from "../process.ts";
import { type RunView, runsOf, until } from "./test-app.ts";

const ENGINE = join(import.meta.dirname, "main.ts");
const APP = join(import.meta.dirname, "test-app-main.ts");
const SEND_TIMEOUT_MS = 1000;
/** Between two looks at all runs. */
const ROUND_MS = 150;
const KILLS = 8;

let dir: string;
let engine: PartProcess;
let app: PartProcess;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "inngest-kill-"));
  engine = await startPartProcess(ENGINE, { dir });
  app = await startPartProcess(APP, { dir, env: { INNGEST_DEV: engine.url } });
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
  engine = await startPartProcess(ENGINE, { dir, port: portOf(engine) });
}

async function restartApp(): Promise<void> {
  app = await startPartProcess(APP, { dir, port: portOf(app), env: { INNGEST_DEV: engine.url } });
}

/** Sends until it is acknowledged: what a sender does whose server goes away at times. */
async function send(events: { id?: string; name: string; data: { n: number } }[]): Promise<void> {
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

/**
 * Until `count` has grown by one to five, and a little longer: a random moment, also on a machine that is busy.
 * Each round of a test starts five runs or more, so it does grow.
 */
async function untilMore(count: () => number): Promise<void> {
  const goal = count() + 1 + Math.floor(Math.random() * 5);
  await until(() => count() >= goal);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
}

const executions = () => [...ran().values()].reduce((sum, times) => sum + times, 0);

/** The steps that the engine has recorded, read from its file: it may be down. */
function recorded(): string[] {
  const db = new DatabaseSync(join(dir, "engine.db"), { timeout: 5000 });
  try {
    const rows = db.prepare("SELECT run_id, name FROM steps WHERE op = 'StepRun'").all();
    return rows.map(({ run_id, name }) => `${run_id} ${name}`);
  } finally {
    db.close();
  }
}

/** Wakes the runs that wait, until all have ended. */
async function untilAllEnded(numbers: readonly number[]): Promise<RunView[]> {
  let running = [...numbers];
  const ended: RunView[] = [];
  while (running.length > 0) {
    await send(running.map((n) => ({ name: "kill/go", data: { n } })));
    await new Promise((resolve) => setTimeout(resolve, ROUND_MS));
    const still: number[] = [];
    for (const n of running) {
      const [run, ...more] = await runsOf(engine, `start-${n}`);
      expect(more).toEqual([]);
      if (run && run.status !== "Running") ended.push(run);
      else still.push(n);
    }
    running = still;
  }
  return ended;
}

function expectAllDone(ended: readonly RunView[], numbers: readonly number[]): void {
  expect(ended.map((run) => run.status)).toEqual(numbers.map(() => "Completed"));
  expect(ended.map((run) => run.output).sort()).toEqual(numbers.map((n) => [n, n]).sort());
}

test("the engine killed at random moments loses no event and repeats no recorded step", async () => {
  const numbers = Array.from({ length: 40 }, (_, n) => n);
  /** Recorded before a kill -> how often it had run until then. */
  const settled = new Map<string, number>();
  for (let kill = 0; kill < KILLS; kill++) {
    const part = numbers.slice(kill * 5, kill * 5 + 5);
    const sending = send(part.map((n) => ({ id: `start-${n}`, name: "kill/start", data: { n } })));
    const waking = send(numbers.slice(0, kill * 5).map((n) => ({ name: "kill/go", data: { n } })));
    await untilMore(kill % 2 === 0 ? executions : () => recorded().length);
    await engine.kill();
    const counts = ran();
    for (const step of recorded()) {
      if (!settled.has(step)) settled.set(step, counts.get(step) ?? 0);
    }
    await restartEngine();
    await Promise.all([sending, waking]);
  }
  const ended = await untilAllEnded(numbers);
  expectAllDone(ended, numbers);
  const counts = ran();
  expect(settled.size).toBeGreaterThanOrEqual(KILLS / 2);
  for (const [step, times] of settled) expect([step, counts.get(step)]).toEqual([step, times]);
}, 60_000);

test("the app killed at random moments ends every run", async () => {
  const numbers = Array.from({ length: 20 }, (_, n) => n);
  for (let kill = 0; kill < 4; kill++) {
    const part = numbers.slice(kill * 5, kill * 5 + 5);
    await send(part.map((n) => ({ id: `start-${n}`, name: "kill/start", data: { n } })));
    await untilMore(executions);
    await app.kill();
    await send(numbers.map((n) => ({ name: "kill/go", data: { n } })));
    await restartApp();
  }
  expectAllDone(await untilAllEnded(numbers), numbers);
}, 60_000);
