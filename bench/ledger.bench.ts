import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Db, openDatabase } from "#db/client.ts";
import { projects, runs } from "#db/schema.ts";
import { Client, until } from "#local/client.ts";
import { type Cloud, startCloud } from "#local/cloud.ts";
import { RunDesk } from "../test/support/runs.ts";
import { type BenchResult, lessIsBetter, median } from "./result.ts";

const WARM_UP = 30;
const RUNS = 60;
const GRANTS = 20;
const OWNER = "owner";

/**
 * What recording costs: a function of ten steps through our step ledger against the same one bare, on the same engine and
 * in the same process, in turns; and what two statements that do nothing cost alone, below which recording cannot come. And
 * how long a person's grant takes to open its gate, sent at uneven moments.
 */
export async function run(): Promise<BenchResult[]> {
  const dir = await mkdtemp(join(tmpdir(), "ledger-bench-"));
  const cloud = await startCloud({ dir, durable: false, onLine: () => {} });
  const { DATABASE_URL: url = "", NEON_WS_PROXY: wsProxy } = cloud.env;
  const database = openDatabase({ url, wsProxy }, { poolSize: 2 });
  try {
    // First: the app of the other measurement takes the place of the cloud's own.
    const opened = await grants(cloud, database);
    const { bare, empty, recorded } = await steps(cloud, database);
    return [
      lessIsBetter({
        what: "10 recorded steps, p50",
        value: median(recorded),
        unit: "ms",
        bar: 1.5 * median(bare),
        peer: median(bare),
      }),
      lessIsBetter({
        what: "10 steps with two empty statements each, p50",
        value: median(empty),
        unit: "ms",
        peer: median(bare),
      }),
      lessIsBetter({ what: "grant to open gate, p50", value: median(opened), unit: "ms" }),
      lessIsBetter({
        what: `grant to open gate, slowest of ${GRANTS}`,
        value: Math.max(...opened),
        unit: "ms",
        bar: 2000,
      }),
    ];
  } finally {
    await database.$client.end();
    await cloud.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function steps(
  cloud: Cloud,
  database: Db,
): Promise<{ bare: number[]; empty: number[]; recorded: number[] }> {
  const app = await startApp(cloud);
  try {
    const projectId = "bench";
    await database.insert(projects).values({
      ...{ id: projectId, ownerUserId: OWNER, name: "bench", slug: "bench" },
    });
    const times = { bare: [] as number[], empty: [] as number[], recorded: [] as number[] };
    for (let n = 0; n < WARM_UP + RUNS; n++) {
      const runId = `bench-${n}`;
      const inngestRunId = "bench";
      await database.insert(runs).values({
        ...{ id: runId, projectId, kind: "research", status: "running", inngestRunId },
        ...{ input: {}, requestedBy: "bench" },
      });
      const bare = await time(cloud, app, "bare", { n: `bare-${n}` });
      const empty = await time(cloud, app, "empty", { n: `empty-${n}` });
      const ids = { projectId, runId, inngestRunId };
      const recorded = await time(cloud, app, "recorded", { n: `recorded-${n}`, ...ids });
      if (n < WARM_UP) continue;
      times.bare.push(bare);
      times.empty.push(empty);
      times.recorded.push(recorded);
    }
    return times;
  } finally {
    app.kill();
  }
}

async function startApp(cloud: Cloud): Promise<ChildProcess> {
  const app = fork(join(import.meta.dirname, "subjects/ledger-app.ts"), {
    env: { PATH: process.env.PATH, ...cloud.env },
    silent: true,
  });
  const [url] = (await once(app, "message")) as [string];
  const response = await fetch(url, { method: "PUT" });
  if (!response.ok) throw new Error(`not registered: ${await response.text()}`);
  return app;
}

/** Milliseconds from sending an event to the last line of the function that it starts. */
async function time(
  cloud: Cloud,
  app: ChildProcess,
  name: string,
  data: { n: string },
): Promise<number> {
  await sleep(5 + Math.random() * 20);
  const ended = new Promise<number>((resolve) => {
    const listen = ([n, at]: [string, number]) => {
      if (n !== data.n) return;
      app.off("message", listen);
      resolve(at);
    };
    app.on("message", listen);
  });
  const sentAt = performance.timeOrigin + performance.now();
  const response = await fetch(`${cloud.inngestUrl}/e/bench`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([{ name: `bench/${name}`, data }]),
  });
  if (!response.ok) throw new Error(`events: ${response.status} ${await response.text()}`);
  return (await ended) - sentAt;
}

/** Milliseconds from sending each grant until its run no longer waits. */
async function grants(cloud: Cloud, database: Db): Promise<number[]> {
  const desk = new RunDesk({ cloud, database }, await Client.of(OWNER, cloud));
  const projectId = await desk.project("grants");
  const times: number[] = [];
  for (let n = 0; n < GRANTS; n++) {
    const runId = await desk.ask(projectId, `book-${randomUUID()}`, [{ name: "a", value: "1" }]);
    const approval = await desk.approval(runId);
    await sleep(Math.random() * 400);
    const sentAt = performance.now();
    await desk.decide("granted", approval);
    await until("open", async () => {
      const { status } = await desk.run(runId);
      return ["running", "succeeded"].includes(status) && (await desk.effects(runId))[0]?.claimedAt;
    });
    times.push(performance.now() - sentAt);
  }
  return times;
}
