import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, rm, statfs, writeFile } from "node:fs/promises";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const IN_MEMORY = "/dev/shm";
const PREFIX = "countersign-test-";

/** A directory of this test run in `where`, which is rid of those that killed runs have left there. */
export async function runDirectory(where: string): Promise<string> {
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
 * Where files of that many bytes are quickest made: in shared memory if it has room, the machine twice as many free, and programs
 * may be run from there, or else in the usual place. A run makes some fifty databases of 600 files, on a disk a twentieth of its
 * processor time, and tests of repositories and engines as many small files again.
 */
export async function quickPlace(bytes: number): Promise<string> {
  try {
    const { bavail, bsize } = await statfs(IN_MEMORY);
    const hasRoom = bavail * bsize >= bytes && freemem() >= 2 * bytes;
    if (hasRoom && (await runsPrograms(IN_MEMORY))) return IN_MEMORY;
  } catch {
    // Not every system has it.
  }
  return tmpdir();
}

async function runsPrograms(where: string): Promise<boolean> {
  const dir = await mkdtemp(join(where, PREFIX));
  try {
    const program = join(dir, "program");
    await writeFile(program, "#!/bin/sh\n", { mode: 0o755 });
    await promisify(execFile)(program);
    return true;
  } finally {
    await rm(dir, { recursive: true });
  }
}
