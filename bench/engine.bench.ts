import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startPartProcess } from "../local/process.ts";
import { type BenchResult, lessIsBetter, median, moreIsBetter } from "./result.ts";

const LATENCY_RUNS = 60;
const BURST = 500;
const WAITING = 10_000;
const WAKES = 30;
/** Events in one request: small enough for every server's limits. */
const REQUEST_EVENTS = 500;
/** Memory is measured at rest, so long after the last run. */
const REST_MS = 3000;
/** A figure that does not come within this is none. */
const PATIENCE_MS = 120_000;

interface Figures {
  oneStep: number;
  tenSteps: number;
  runsPerSecond: number;
  wake: number;
  memoryMb?: number;
}

/**
 * The local Inngest engine with a real SDK app, each in its own process. With `INNGEST_SERVER_URL` the same app and the
 * same events on that server, too. A time is from sending an event to the last line of the function it starts or wakes.
 */
export async function run(): Promise<BenchResult[]> {
  const ours = await measureOurs();
  const other = process.env.INNGEST_SERVER_URL;
  const peer = other ? await measure(other) : undefined;
  return [
    lessIsBetter({
      what: "one step, p50",
      value: ours.oneStep,
      unit: "ms",
      peer: peer?.oneStep,
      bar: 10,
    }),
    lessIsBetter({
      what: "ten steps, p50",
      value: ours.tenSteps,
      unit: "ms",
      peer: peer?.tenSteps,
      bar: 25,
    }),
    moreIsBetter({
      what: `${BURST} events x 3 steps`,
      value: ours.runsPerSecond,
      unit: "runs/s",
      peer: peer?.runsPerSecond,
      bar: 250,
    }),
    lessIsBetter({
      what: `one of ${WAITING} woken, p50`,
      value: ours.wake,
      unit: "ms",
      peer: peer?.wake,
      bar: 20,
    }),
    lessIsBetter({
      what: `memory with ${WAITING} runs`,
      value: ours.memoryMb ?? Number.NaN,
      unit: "MB",
      bar: 200,
    }),
  ];
}

async function measureOurs(): Promise<Figures> {
  const dir = await mkdtemp(join(tmpdir(), "engine-bench-"));
  const entry = join(import.meta.dirname, "../local/inngest/main.ts");
  const engine = await startPartProcess(entry, { dir });
  try {
    const figures = await measure(engine.url);
    await sleep(REST_MS);
    return { ...figures, memoryMb: residentMb(engine.child.pid) };
  } finally {
    await engine.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function measure(url: string): Promise<Figures> {
  const app = await startApp(url);
  try {
    const runs = new Runs(url, app);
    await runs.latencies("one", LATENCY_RUNS / 2); // warms up both processes
    const oneStep = median(await runs.latencies("one", LATENCY_RUNS));
    const tenSteps = median(await runs.latencies("ten", LATENCY_RUNS));
    const rates = [];
    for (let i = 0; i < 3; i++) rates.push(await runs.burst("three", BURST));
    return { oneStep, tenSteps, runsPerSecond: Math.max(...rates), wake: await runs.wakes() };
  } finally {
    app.kill();
  }
}

/** Sends events, and knows when the runs they start have come to their last line. */
class Runs {
  readonly #url: string;
  readonly #endedAt = new Map<number, number>();
  #onEnd = () => {};
  #n = 0;

  constructor(url: string, app: ChildProcess) {
    this.#url = url;
    app.on("message", (message) => {
      const [n, at] = message as [number, number];
      this.#endedAt.set(n, at);
      this.#onEnd();
    });
  }

  /** Milliseconds of each of `count` runs that start one after the other, at uneven times. */
  async latencies(name: string, count: number): Promise<number[]> {
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      await sleep(5 + Math.random() * 20);
      const n = this.#n++;
      const sentAt = now();
      await this.#send(`bench/${name}`, [n]);
      times.push((await this.#end(n)) - sentAt);
    }
    return times;
  }

  /** Runs per second of many that start at once. */
  async burst(name: string, count: number): Promise<number> {
    const numbers = Array.from({ length: count }, () => this.#n++);
    const sentAt = now();
    await this.#send(`bench/${name}`, numbers);
    const ends: number[] = [];
    for (const n of numbers) ends.push(await this.#end(n));
    return (count * 1000) / (Math.max(...ends) - sentAt);
  }

  /** Middle time in which an event wakes one of {@link WAITING} runs. */
  async wakes(): Promise<number> {
    const numbers = Array.from({ length: WAITING }, () => this.#n++);
    for (let i = 0; i < WAITING; i += REQUEST_EVENTS) {
      await this.#send("bench/wait", numbers.slice(i, i + REQUEST_EVENTS));
    }
    // They start in order, so when the last ones can be woken all others wait.
    const last = numbers.splice(-10);
    for (const n of last) await this.#wake(n);
    const times: number[] = [];
    for (let i = 0; i < WAKES; i++) {
      const [n = 0] = numbers.splice(Math.floor(Math.random() * numbers.length), 1);
      await sleep(5 + Math.random() * 20);
      const sentAt = now();
      await this.#send("bench/go", [n]);
      times.push((await this.#end(n)) - sentAt);
    }
    return median(times);
  }

  async #wake(n: number): Promise<void> {
    const until = now() + PATIENCE_MS;
    while (!this.#endedAt.has(n)) {
      if (now() > until) throw new Error(`${this.#url}: a run that waits was not woken`);
      await this.#send("bench/go", [n]);
      await sleep(200);
    }
  }

  async #send(name: string, numbers: readonly number[]): Promise<void> {
    const events = numbers.map((n) => ({ name, data: { n } }));
    const response = await fetch(`${this.#url}/e/bench`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(events),
    });
    if (!response.ok) throw new Error(`${this.#url}: ${response.status} ${await response.text()}`);
  }

  async #end(n: number): Promise<number> {
    const timeout = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const at = this.#endedAt.get(n);
      if (at !== undefined) return at;
      await new Promise<void>((resolve, reject) => {
        this.#onEnd = resolve;
        timeout.onabort = () => reject(new Error(`${this.#url}: a run did not end`));
      });
    }
  }
}

async function startApp(server: string): Promise<ChildProcess> {
  const app = fork(join(import.meta.dirname, "subjects/engine-app.ts"), {
    env: { PATH: process.env.PATH, INNGEST_DEV: server },
  });
  const [url] = (await once(app, "message")) as [string];
  const response = await fetch(url, { method: "PUT" });
  if (!response.ok) throw new Error(`${server}: not registered: ${await response.text()}`);
  return app;
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Resident memory of a process, on Linux. */
function residentMb(pid: number | undefined): number | undefined {
  if (process.platform !== "linux") return undefined;
  const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
  return (Number(pages) * 4096) / 1e6;
}
