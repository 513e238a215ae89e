import { randomBytes } from "node:crypto";
import {
  access,
  constants,
  cp,
  link,
  mkdir,
  realpath,
  rename,
  stat,
  symlink,
} from "node:fs/promises";
import { basename, delimiter, dirname, join } from "node:path";
import { env } from "../env.ts";
import { removeTree } from "./remove.ts";

/** The programs that commands of a repository need, where any user can read them. */
export interface Tools {
  /** The Node that runs us. */
  readonly node: string;
  /** The package `npm`, also with npx; null when this machine has none. */
  readonly npm: string | null;
  /** A directory with all of them under their names, for PATH. */
  readonly bin: string;
}

/**
 * Finds node and npm. What lies where only root can look (a home directory) is copied once to where sandboxes are.
 * @param dropped whether the commands run as another user than us.
 */
export async function findTools(root: string, dropped: boolean): Promise<Tools> {
  const own = await realpath(process.execPath);
  const ownNpm = await findNpm(own);
  const copies = join(root, "tools", process.version);
  const node = dropped ? await forAll(own, join(copies, "node")) : own;
  const npm = ownNpm && dropped ? await forAll(ownNpm, join(copies, "npm")) : ownNpm;
  const bin = join(copies, "bin");
  await mkdir(bin, { recursive: true, mode: 0o755 });
  await name(node, join(bin, "node"));
  for (const one of ["npm", "npx"])
    if (npm) await name(join(npm, "bin", `${one}-cli.js`), join(bin, one));
  return { node, npm, bin };
}

async function name(target: string, path: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString("hex")}`;
  await symlink(target, aside);
  await rename(aside, path);
}

/** The npm beside our node, else the first in PATH. */
async function findNpm(node: string): Promise<string | null> {
  for (const dir of [dirname(node), ...(env().PATH ?? "").split(delimiter)]) {
    const cli = await realpath(join(dir, "npm")).catch(() => "");
    if (basename(cli) === "npm-cli.js") return dirname(dirname(cli));
  }
  return null;
}

async function forAll(path: string, copy: string): Promise<string> {
  if (await openToAll(path)) return path;
  if (
    await access(copy, constants.R_OK).then(
      () => true,
      () => false,
    )
  )
    return copy;
  const aside = `${copy}.${randomBytes(6).toString("hex")}`;
  await mkdir(dirname(copy), { recursive: true, mode: 0o755 });
  // A second name costs nothing, where it can be had.
  await link(path, aside).catch(() => cp(path, aside, { recursive: true }));
  await rename(aside, copy).catch(() => removeTree(aside));
  return copy;
}

/** Whether every directory on the way, and the thing itself, can be used by anybody. */
async function openToAll(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
