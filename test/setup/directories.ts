import { access, chmod, constants, mkdtemp, readdir, rm, statfs } from "node:fs/promises";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";

const IN_MEMORY = "/dev/shm";
const PREFIX = "countersign-test-";

/** A directory of this test run in `where`, which is rid of those that killed runs have left there. */
export async function runDirectory(where = tmpdir()): Promise<string> {
  for (const name of await readdir(where)) {
    const [pid] = name.startsWith(PREFIX) ? name.slice(PREFIX.length).split("-") : [];
    if (!Number(pid) || isAlive(Number(pid))) continue;
    await rm(join(where, name), { recursive: true, force: true });
  }
  const dir = await mkdtemp(join(where, `${PREFIX}${process.pid}-`));
  // PostgreSQL does not run as root: as root it is another account, which has to get in here.
  await chmod(dir, 0o711);
  return dir;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/**
 * Where files of that many bytes are quickest made: in shared memory if it has room and the machine twice as many free, or
 * else in the usual place. A run makes some fifty databases of 600 files, on a disk a twentieth of its processor time.
 */
export async function quickPlace(bytes: number): Promise<string> {
  try {
    await access(IN_MEMORY, constants.W_OK);
    const { bavail, bsize } = await statfs(IN_MEMORY);
    if (bavail * bsize >= bytes && freemem() >= 2 * bytes) return IN_MEMORY;
  } catch {
    // Not every system has it.
  }
  return tmpdir();
}
