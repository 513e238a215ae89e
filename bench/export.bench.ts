import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { type Db, openDatabase } from "#db/client.ts";
import { migrate } from "#db/migrate.ts";
import { projects } from "#db/schema.ts";
import { startNeon } from "#local/neon/server.ts";
import { type BenchResult, lessIsBetter } from "./result.ts";
import { measureSubject } from "./subject.ts";

const PROJECT = "bench";
const ARTIFACTS = 1000;
const CITATIONS = 10;
/** Words of 32 digits in a text: with the spaces, 20 KB. */
const WORDS = 606;
const TEXT_BYTES = WORDS * 33 - 1;

interface Figures {
  readonly firstMs: number;
  readonly ms: number;
  readonly firstGrowthMb: number;
  readonly growthMb: number;
  readonly bytes: number;
}

/** A project of 1,000 artifacts of 20 KB with ten citations each, exported in a process of its own that reads at once. */
export async function run(): Promise<BenchResult[]> {
  const dir = await mkdtemp(join(tmpdir(), "bench-export-"));
  // PostgreSQL does not run as root: as root it is another account, which has to get in here.
  await chmod(dir, 0o711);
  const neon = await startNeon({ dir, durable: false });
  try {
    const { NEON_WS_PROXY = "" } = neon.env;
    const address = { url: neon.url, wsProxy: NEON_WS_PROXY };
    await migrate(address);
    const database = openDatabase(address, { poolSize: 1 });
    try {
      await fill(database);
    } finally {
      await database.$client.end();
    }
    const env = { DATABASE_URL: neon.url, NEON_WS_PROXY };
    return judged(await measureSubject<Figures>("export-ours", [PROJECT], env));
  } finally {
    await neon.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function judged({ firstMs, ms, firstGrowthMb, growthMb, bytes }: Figures): BenchResult[] {
  if (bytes < ARTIFACTS * TEXT_BYTES) {
    throw new Error(`An export of ${bytes} bytes cannot have all ${ARTIFACTS} texts in it.`);
  }
  const what = `export of ${ARTIFACTS} artifacts`;
  const time = { unit: "ms", bar: 2000 };
  const memory = { unit: "MB", bar: 100 };
  return [
    lessIsBetter({ what: `${what}, the first of a process`, value: firstMs, ...time }),
    lessIsBetter({ what: `${what}, median of 5 when warm`, value: ms, ...time }),
    lessIsBetter({
      ...{ what: "peak RSS over before, the first of a process", value: firstGrowthMb },
      ...memory,
    }),
    lessIsBetter({ what: "peak RSS over before, most when warm", value: growthMb, ...memory }),
  ];
}

async function fill(database: Db): Promise<void> {
  await database.insert(projects).values({
    ...{ id: PROJECT, ownerUserId: "owner", name: PROJECT, slug: PROJECT },
  });
  await database.execute(sql`
    insert into artifacts (id, project_id, kind, logical_key, version, content, content_sha256)
    select 'artifact-' || n, ${PROJECT}, 'SPEC', 'key-' || n, 1, c, encode(sha256(convert_to(c, 'UTF8')), 'hex')
    from generate_series(1, ${ARTIFACTS}::int) n, lateral (
      select string_agg(md5(n || '-' || word), ' ') c from generate_series(1, ${WORDS}::int) word) texts`);
  await database.execute(sql`
    insert into citations (id, project_id, artifact_id, ordinal, file_name, file_sha256, extraction_version,
      chunk_sha256, start_offset, end_offset, page_start, page_end, quote)
    select 'citation-' || n || '-' || ordinal, ${PROJECT}, 'artifact-' || n, ordinal, 'report-' || ordinal || '.pdf',
      repeat('a', 64), 1, encode(sha256((n || '-' || ordinal)::bytea), 'hex'), 0, 192, ordinal, ordinal,
      repeat(md5(n || '-' || ordinal), 6)
    from generate_series(1, ${ARTIFACTS}::int) n, generate_series(1, ${CITATIONS}::int) ordinal`);
  await database.execute("analyze");
}
