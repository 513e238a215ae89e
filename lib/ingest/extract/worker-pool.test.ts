import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { FileRefused } from "../../errors.ts";
import { extractFile } from "./extract.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { keep, takeWarm } from "./worker-pool.ts";
import { WorkerProcess } from "./worker-process.ts";

const manual = fileURLToPath(new URL("../../../samples/operations-manual.pdf", import.meta.url));
const kind = { heapBytes: DEFAULT_LIMITS.heapBytes, pdf: true };
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "worker-pool-"));
});
afterAll(async () => {
  await takeWarm(kind)?.end();
  await rm(dir, { recursive: true });
});

const readManual = () => extractFile({ path: manual, name: "manual.pdf" });

function warm(): WorkerProcess {
  const worker = takeWarm(kind);
  if (!worker) throw new Error("No worker is waiting.");
  return worker;
}

it("reads PDFs one after another in the same process", async () => {
  const first = await readManual();
  expect(await readManual()).toEqual(first);
  const worker = warm();
  expect(worker.jobs).toBe(2);
  expect(await keep(worker)).toBe(true);
});

it("reads the next file as well when a process that waits has died", async () => {
  await readManual();
  const worker = warm();
  await keep(worker);
  process.kill(worker.pid ?? 0, "SIGKILL");
  expect((await readManual()).pageCount).toBe(8);
  expect(warm().jobs).toBe(1);
});

it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
  "does not blame the file for a process that was ended by %s",
  async (signal) => {
    const worker = new WorkerProcess({ ...kind, pdf: false });
    const what = { path: manual, name: "manual", size: 1, detected: { format: "html" as const } };
    const ended = worker.run({ ...what, limits: DEFAULT_LIMITS });
    process.kill(worker.pid ?? 0, signal);
    await expect(ended).rejects.toThrow(`An extraction worker was ended by ${signal}`);
    await expect(ended).rejects.not.toBeInstanceOf(FileRefused);
  },
);

it("keeps no process that refused a file, or that ran a parser in JavaScript", async () => {
  await readManual();
  const broken = join(dir, "broken.pdf");
  await writeFile(broken, "%PDF-1.7\nnothing\nstartxref\n0\n%%EOF\n");
  await expect(extractFile({ path: broken, name: "broken.pdf" })).rejects.toThrow("damaged");
  expect(takeWarm(kind)).toBeUndefined();
  const notes = join(dir, "notes.txt");
  await writeFile(notes, "Words.");
  await extractFile({ path: notes, name: "notes.txt" });
  expect(takeWarm({ ...kind, pdf: false })).toBeUndefined();
});

it("neither keeps its parent alive nor outlives it", async () => {
  const extract = JSON.stringify(new URL("./extract.ts", import.meta.url));
  const pool = JSON.stringify(new URL("./worker-pool.ts", import.meta.url));
  const script = join(dir, "parent.mjs");
  await writeFile(
    script,
    `const { extractFile } = await import(${extract});
    const { keep, takeWarm } = await import(${pool});
    await extractFile({ path: ${JSON.stringify(manual)}, name: "manual.pdf" });
    const worker = takeWarm(${JSON.stringify(kind)});
    await keep(worker);
    console.log(worker.pid);`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 15_000 });
  const pid = Number(stdout);
  expect(pid).toBeGreaterThan(0);
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), 5_000);
});
