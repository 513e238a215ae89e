import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "#db/migrate.ts";
import { startNeon } from "#local/neon/server.ts";
import { benchRepository, FILES, TOTAL_BYTES } from "./repository.ts";
import { type BenchResult, lessIsBetter, moreIsBetter } from "./result.ts";
import { bundledSubject, measureSubject } from "./subject.ts";

interface Ours {
  readonly allMs: number;
  readonly allFiles: number;
  readonly allBytes: number;
  readonly allChunks: number;
  readonly peakMb: number;
  readonly peakDistinctMb: number;
  readonly sameMs: number;
  readonly added: number;
  readonly tenMs: number;
  readonly tenFiles: number;
}

interface Plain {
  readonly files: number;
  readonly ms: number;
}

/**
 * A repository of 25,000 files and 285 MB: its tree planned in the database, every file read, cut, hashed and looked through
 * for keys; then the same commit, then one that changes ten files. The peer only reads and hashes, a `git show` for each.
 */
export async function run(): Promise<BenchResult[]> {
  const { dir, first, second } = await benchRepository();
  const work = await mkdtemp(join(tmpdir(), "bench-repo-"));
  // PostgreSQL does not run as root: as root it is another account, which has to get in here.
  await chmod(work, 0o711);
  const neon = await startNeon({ dir: work, durable: false });
  try {
    const { NEON_WS_PROXY = "" } = neon.env;
    await migrate({ url: neon.url, wsProxy: NEON_WS_PROXY });
    const env = { DATABASE_URL: neon.url, NEON_WS_PROXY };
    const measure = await bundledSubject<Ours>("repo-ours");
    const ours = await measure([dir, first, second], env);
    const plain = await measureSubject<Plain>("repo-git-show", [dir, first]);
    return judged(ours, plain);
  } finally {
    await neon.close();
    await rm(work, { recursive: true, force: true });
  }
}

function judged(ours: Ours, plain: Plain): BenchResult[] {
  if (ours.allFiles !== FILES || ours.allBytes < TOTAL_BYTES * 0.9) {
    throw new Error(`Only ${ours.allFiles} files and ${ours.allBytes} bytes were chunked.`);
  }
  const memory = { unit: "MB", bar: 300 };
  return [
    lessIsBetter({ what: "25,000 files / 285 MB", value: ours.allMs / 1000, unit: "s", bar: 45 }),
    moreIsBetter({
      ...{ what: "files against `git show` each", value: (ours.allFiles * 1000) / ours.allMs },
      ...{ unit: "files/s", peer: (plain.files * 1000) / plain.ms },
    }),
    moreIsBetter({ what: "chunks", value: ours.allChunks, unit: "chunks" }),
    lessIsBetter({ what: "peak RSS of the process", value: ours.peakDistinctMb, ...memory }),
    lessIsBetter({ what: "peak RSS, git's mapped packs too", value: ours.peakMb, unit: "MB" }),
    lessIsBetter({ what: "nothing changed", value: ours.sameMs / 1000, unit: "s", bar: 2 }),
    lessIsBetter({
      what: "nothing changed: files written",
      value: ours.added,
      unit: "files",
      bar: 0,
    }),
    lessIsBetter({ what: "ten files changed", value: ours.tenMs / 1000, unit: "s" }),
    lessIsBetter({ what: "ten files changed: read", value: ours.tenFiles, unit: "files", bar: 10 }),
  ];
}
