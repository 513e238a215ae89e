import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);

/**
 * Installs packages that are only compared with, by exact version (`{"pdf-parse": "2.4.5"}`), and returns the directory
 * to import them from. Kept under .local/bench-peers, so that `npm ci` stays without them.
 * Throws with what to do when the registry cannot be reached.
 */
export async function installPeers(
  name: string,
  packages: Readonly<Record<string, string>>,
): Promise<string> {
  const dir = join(import.meta.dirname, "../.local/bench-peers", name);
  const wanted = Object.entries(packages).map(([peer, version]) => `${peer}@${version}`);
  const done = join(dir, `installed-${wanted.join("+").replaceAll("/", "-")}`);
  if (existsSync(done)) return dir;
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "package.json"), '{"private": true, "type": "module"}\n');
  try {
    const args = ["install", "--save-exact", "--ignore-scripts", "--no-audit", "--no-fund"];
    await exec("npm", [...args, ...wanted], { cwd: dir, timeout: 300_000 });
  } catch (cause) {
    const message = `Could not install ${wanted.join(", ")} to compare with. Is the package registry reachable?`;
    throw new Error(message, { cause });
  }
  await writeFile(done, "");
  return dir;
}
