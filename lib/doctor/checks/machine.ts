import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Check, CheckFailed, missing, ok } from "../check.ts";

const MAJOR = 24;

export const node: Check = {
  name: "Node",
  remedy: "Run it through npm, or with Node 24.",
  async run() {
    const { node: version } = process.versions;
    if (Number.parseInt(version, 10) >= MAJOR) return ok(version);
    throw new CheckFailed(`This is Node ${version}; Countersign is written for ${MAJOR}.`);
  },
};

export const git: Check = {
  name: "git",
  remedy: "Install git and see that PATH has it.",
  async run({ PATH }, signal) {
    try {
      const { stdout } = await promisify(execFile)("git", ["--version"], { env: { PATH }, signal });
      return ok(stdout.trim().replace(/^git version /, ""));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return missing("repositories cannot be indexed where index-repo runs", this.remedy);
    }
  },
};
