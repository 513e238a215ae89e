import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { remediationFor } from "./remediation.ts";

const LIB = join(import.meta.dirname, "..");
/** Where what a run does to other systems can be refused for good. */
const ROOMS = [
  ...["deploy", "effects/definitions", "github", "implementation", "neon", "provision"],
  ...["upstash", "vercel"],
];
const FINAL = /new (?:InvalidInput|Conflict|NotFound|EffectRefused)\(\s*"([a-z_]+)"/g;

/** Faults of ours, about which no person can do anything, and what no run comes across. */
const OURS = [
  ...["no_contract", "no_deploy", "no_head", "not_deployed", "not_merged", "phase_missing"],
  ...["pull_not_opened", "infra_not_asked", "webhook_body"],
];

test("whatever ends a run for good says what to do about it", async () => {
  const codes = new Set<string>();
  for (const room of ROOMS) {
    for (const file of await readdir(join(LIB, room), { recursive: true })) {
      if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
      const source = await readFile(join(LIB, room, file), "utf8");
      for (const [, code = ""] of source.matchAll(FINAL)) codes.add(code);
    }
  }
  expect(codes.size).toBeGreaterThan(40);
  const general = remediationFor("no_such_code: x");
  const silent = [...codes].filter((code) => remediationFor(`${code}: x`) === general);
  expect(silent.filter((code) => !OURS.includes(code)).sort()).toEqual([]);
});
