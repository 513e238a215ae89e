import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";

interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** How a PostgreSQL program is started. */
export interface Account {
  /** The command that goes before it. */
  readonly prefix: readonly string[];
  /** The account that the process is started under; absent: ours. */
  readonly spawnAs?: Ids;
  /** Whose the data is, where that is not us. */
  readonly owner?: Ids;
}

/** PostgreSQL refuses to run as root. These accounts exist without us having to add one to somebody's machine. */
const UNPRIVILEGED = ["postgres", "nobody"];
const SETPRIV = "/usr/bin/setpriv";

/**
 * Who runs PostgreSQL: we, unless we are root; then whoever owns the data already, else an account without rights.
 * `paths` are what the programs must reach. Where that account cannot pass the directories above them (a checkout in
 * /root), it gets the one capability for it. Throws when that is not possible either.
 */
export function accountFor(dataDir: string, paths: readonly string[]): Account {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const { uid, gid } = existsSync(dataDir) ? statSync(dataDir) : unprivileged();
  const owner = { uid, gid };
  const blocked = [dataDir, ...paths].find((path) => !reachable(path));
  if (blocked === undefined) return { prefix: [], spawnAs: owner, owner };
  if (!existsSync(SETPRIV)) {
    throw new Error(
      `PostgreSQL cannot run as root, and account ${uid} cannot reach ${blocked}: run as an ordinary user or move the checkout`,
    );
  }
  // The secure bit makes access(2), by which PostgreSQL looks for its own programs, heed the capability too.
  const bit = "--securebits=+no_setuid_fixup";
  const capability = [bit, "--inh-caps=-all,+dac_override", "--ambient-caps=+dac_override"];
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  return { prefix: [SETPRIV, ...ids, ...capability, "--"], owner };
}

function unprivileged(): Ids {
  const accounts = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of UNPRIVILEGED) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    `PostgreSQL cannot run as root and there is no account to run it: add one of ${UNPRIVILEGED.join(", ")}`,
  );
}

/** Whether anybody may pass every directory above `path`. */
function reachable(path: string): boolean {
  const parent = dirname(path);
  if (parent === path) return true;
  return (!existsSync(parent) || (statSync(parent).mode & 0o001) !== 0) && reachable(parent);
}
