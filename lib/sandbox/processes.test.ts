import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { listProcesses, withDescendants } from "./processes.ts";

const LINUX = process.platform === "linux";

// Who could would be counted for nobody, and found by nobody who ends them.
test.runIf(LINUX).each(["\rPPid:\t1", "\nPPid:\t1", "\u2028PPid:\t1", "\rUid:\t9\t9", "a) R 1 1"])(
  "a process named %j is listed as what it is",
  async (name) => {
    const code = `process.title = ${JSON.stringify(name)}; console.log("named"); process.stdin.resume();`;
    const child = spawn(process.execPath, ["-e", code], { stdio: ["pipe", "pipe", "inherit"] });
    await once(child.stdout, "data");
    const all = listProcesses();
    const found = all.find(({ pid }) => pid === child.pid);
    expect(found).toMatchObject({ parent: process.pid, uid: process.getuid?.() });
    expect(found?.bytes).toBeGreaterThan(2 ** 20);
    expect(withDescendants(all, process.pid)).toContain(found);
    child.stdin.end();
    await once(child, "exit");
  },
);

test("processes that seem to be each other's children are found once", () => {
  const one = { uid: 1, bytes: 1 };
  const all = [
    { pid: 2, parent: 3, ...one },
    { pid: 3, parent: 2, ...one },
    { pid: 4, parent: 4, ...one },
  ];
  expect(withDescendants(all, 2).map(({ pid }) => pid)).toEqual([2, 3]);
  expect(withDescendants(all, 4).map(({ pid }) => pid)).toEqual([4]);
});
