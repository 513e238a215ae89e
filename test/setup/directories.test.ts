import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { quickPlace, runDirectory } from "./directories.ts";

it("what a killed run has left is removed by the next, and nothing else", async () => {
  const where = await mkdtemp(join(tmpdir(), "directories-"));
  try {
    const gone = spawn(process.execPath, ["-e", ""]);
    await once(gone, "exit");
    const others = [`countersign-test-${process.pid}-a`, "countersign-test-", "another"];
    for (const name of [...others, `countersign-test-${gone.pid}-b`]) {
      await mkdir(join(where, name, "inside"), { recursive: true });
    }
    const ours = await runDirectory(where);
    const left = (await readdir(where)).map((name) => join(where, name));
    expect(left.sort()).toEqual([...others.map((name) => join(where, name)), ours].sort());
  } finally {
    await rm(where, { recursive: true, force: true });
  }
});

it("what has no room in memory goes where all goes", async () => {
  expect(await quickPlace(Number.MAX_SAFE_INTEGER)).toBe(tmpdir());
});
