import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startPartProcess } from "../process.ts";
import { until } from "./test-app.ts";

const WINDOW_MS = 1500;

/** Processor time that a process has used, in ticks of 10 ms, and how often it gave the processor up by itself. */
function used(pid: number): { ticks: number; wakes: number } {
  const [, stat = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const fields = stat.split(" ");
  const [, wakes = "0"] =
    /^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return { ticks: Number(fields[11]) + Number(fields[12]), wakes: Number(wakes) };
}

test.runIf(process.platform === "linux")("an idle engine uses no processor time", async () => {
  const dir = await mkdtemp(join(tmpdir(), "inngest-idle-"));
  const engine = await startPartProcess(join(import.meta.dirname, "main.ts"), { dir });
  const pid = engine.child.pid ?? 0;
  try {
    // It has something to wait for: a cron that is due in some months, and a debounce in a week.
    const url = "http://127.0.0.1:1/api/inngest";
    const steps = { step: { runtime: { type: "http", url } } };
    const functions = [
      { id: "idle-cron", triggers: [{ cron: "0 0 1 1 *" }], steps },
      { id: "idle-late", triggers: [{ event: "idle" }], debounce: { period: "7d" }, steps },
    ];
    const post = (path: string, body: unknown) =>
      fetch(engine.url + path, { method: "POST", body: JSON.stringify(body) });
    await post("/fn/register", { url, appName: "idle", functions });
    expect((await post("/e/key", { name: "idle" })).status).toBe(200);
    // Until what it has just done is over: a window in which nothing happened.
    let before = used(pid);
    await until(async () => {
      await sleep(300);
      const now = used(pid);
      const quiet = now.wakes === before.wakes;
      before = now;
      return quiet;
    });
    await sleep(WINDOW_MS);
    const after = used(pid);
    expect(after.ticks - before.ticks).toBeLessThanOrEqual(1);
    expect(after.wakes - before.wakes).toBeLessThanOrEqual(5);
  } finally {
    await engine.close();
    await rm(dir, { recursive: true, force: true });
  }
});
