import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { reportFigures, timed } from "../figures.ts";

/** Reads and hashes files of a commit the plain way: one `git show` each, two at a time. Nothing is cut. */
const [dir = "", commit = "", count = "1000"] = process.argv.slice(2);
const exec = promisify(execFile);
const options = { encoding: "buffer", maxBuffer: 2 ** 26 } as const;

const tree = await exec("git", ["--git-dir", dir, "ls-tree", "-r", "--name-only", commit], options);
const paths = tree.stdout.toString().trim().split("\n");
const step = Math.max(1, Math.floor(paths.length / Number(count)));
const sample = paths.filter((_, i) => i % step === 0);
let bytes = 0;

async function read(queue: string[]): Promise<void> {
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const { stdout } = await exec("git", ["--git-dir", dir, "show", `${commit}:${path}`], options);
    bytes += stdout.length;
    createHash("sha256").update(stdout).digest("hex");
  }
}

const files = sample.length;
const ms = await timed(() => Promise.all([read(sample), read(sample)]));
reportFigures({ files, bytes, ms });
