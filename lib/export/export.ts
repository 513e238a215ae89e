import { canonicalJson, sha256 } from "../canonical.ts";
import {
  type ExportedVersion,
  latestVersions,
  readPinned,
  readTexts,
} from "../data/export.server.ts";
import { Conflict, errorMessage } from "../errors.ts";
import { log } from "../log.ts";
import { resumed } from "../peek.ts";
import { stemOf } from "./names.ts";
import { type ZipEntry, zipStream } from "./zip.ts";

/** Raised when the same state would make other bytes. */
const FORMAT = 1;
const MAX_ARTIFACTS = 10_000;
/** Versions of one query, and how much text they may have together; one that is larger goes alone. */
const BATCH = 50;
const BATCH_BYTES = 2 * 1024 * 1024;

/** A version with its place in the archive. */
export type Placed = ExportedVersion & { readonly path: string; readonly citationsPath: string };

interface CitationsFile {
  readonly path: string;
  readonly sha256: string;
  readonly count: number;
}

/**
 * A project's artifacts as a ZIP, each in its latest version: `artifacts/<kind>/<key>.md`, `citations/<kind>/<key>.json` of
 * those that cite, and `manifest.json`, in the order of their paths. The same versions are the same bytes, whenever, wherever
 * and on whatever copy of the database it is made. Resolves when the first entry has been read: what is wrong by then (too
 * many artifacts, places that collide, a version that is gone) is thrown as Conflict, and what comes later breaks the stream.
 */
export async function exportProject(projectId: string): Promise<ReadableStream<Uint8Array>> {
  const versions = await latestVersions({ projectId, limit: MAX_ARTIFACTS + 1 });
  if (versions.length > MAX_ARTIFACTS) {
    const message = `The project has more than ${MAX_ARTIFACTS} artifacts: read them one by one.`;
    throw new Conflict("export_too_large", message);
  }
  const entries = entriesOf(projectId, placed(versions));
  const first = await entries.next();
  return zipStream(told(projectId, resumed(first, entries)));
}

/** Gives each version its place, in the order of the places. Throws Conflict when two would be one on some file system. */
export function placed(versions: readonly ExportedVersion[]): Placed[] {
  const taken = new Map<string, ExportedVersion>();
  const all = versions.map((version) => {
    const stem = stemOf(version);
    const other = taken.get(stem.toLowerCase());
    if (other) throw collision(stem, version, other);
    taken.set(stem.toLowerCase(), version);
    return { ...version, path: `artifacts/${stem}.md`, citationsPath: `citations/${stem}.json` };
  });
  return all.sort((a, b) => byCodePoint(a.path, b.path));
}

function collision(path: string, a: ExportedVersion, b: ExportedVersion): Conflict {
  const [one, two] = [a, b].map(({ kind, key }) => JSON.stringify([kind, key]));
  const message = `The artifacts ${one} and ${two} would both be ${path}: publish one under another key.`;
  return new Conflict("export_collision", message);
}

async function* entriesOf(
  projectId: string,
  versions: readonly Placed[],
): AsyncGenerator<ZipEntry> {
  for (const batch of batches(versions)) {
    const texts = await readTexts(batch.map(({ id }) => id));
    for (const version of batch) yield { path: version.path, bytes: textOf(version, texts) };
  }
  // Their order is not that of the texts: the ending counts.
  const citing = versions.toSorted((a, b) => byCodePoint(a.citationsPath, b.citationsPath));
  const files = new Map<string, CitationsFile>();
  for (const batch of batches(citing)) {
    const citations = await readPinned(batch.map(({ id }) => id));
    for (const version of batch) {
      const { id, citationsPath: path } = version;
      const cited = citations.get(id);
      // It may have gone since its text was read: the client reads as slowly as it likes.
      if (!cited) throw gone(version);
      if (cited.length === 0) continue;
      const bytes = Buffer.from(canonicalJson(cited));
      files.set(id, { path, sha256: sha256(bytes), count: cited.length });
      yield { path, bytes };
    }
  }
  yield { path: "manifest.json", bytes: manifest(projectId, versions, files) };
}

function textOf(version: Placed, texts: ReadonlyMap<string, string>): Uint8Array {
  const { id, kind, key, path } = version;
  const text = texts.get(id);
  if (text === undefined) throw gone(version);
  const bytes = Buffer.from(text);
  if (sha256(bytes) !== version.sha256) {
    const message = `The artifact ${id} (${kind}, ${key}) is not what was published: restore it.`;
    throw new Conflict("export_artifact_damaged", message, { path });
  }
  return bytes;
}

function gone({ id, kind, key, path }: Placed): Conflict {
  const message = `The artifact ${id} (${kind}, ${key}) was removed meanwhile: export again.`;
  return new Conflict("export_artifact_gone", message, { path });
}

function manifest(
  projectId: string,
  versions: readonly Placed[],
  files: ReadonlyMap<string, CitationsFile>,
): Uint8Array {
  const artifacts = versions.map(({ id, runId, kind, key, version, path, sha256, bytes }) => {
    const citations = files.get(id) ?? null;
    return { path, sha256, bytes, kind, key, version, run: runId, citations };
  });
  return Buffer.from(canonicalJson({ format: FORMAT, project: projectId, artifacts }));
}

/** Bounded in number and, by what the list said, in bytes. */
export function* batches<T extends { readonly bytes: number }>(all: readonly T[]): Generator<T[]> {
  let batch: T[] = [];
  let sum = 0;
  for (const one of all) {
    if (batch.length === BATCH || (batch.length > 0 && sum + one.bytes > BATCH_BYTES)) {
      yield batch;
      [batch, sum] = [[], 0];
    }
    batch.push(one);
    sum += one.bytes;
  }
  if (batch.length > 0) yield batch;
}

/** Once bytes are on their way nobody can be answered any more: then the log is the only place to say why it broke. */
async function* told(
  projectId: string,
  entries: AsyncGenerator<ZipEntry>,
): AsyncGenerator<ZipEntry> {
  try {
    yield* entries;
  } catch (error) {
    log.error("export broke", { projectId, error: errorMessage(error) });
    throw error;
  }
}

/** Paths are ASCII: there, code units and code points are the same. */
function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
