import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { blobStore } from "../blob/blob.ts";
import { canonicalJson, sha256 } from "../canonical.ts";
import { readPinned, readTexts } from "../data/export.server.ts";
import { Conflict, NotFound } from "../errors.ts";
import { stemOf } from "../export/names.ts";
import type { CutRecord } from "./cut.ts";
import { type BundledArtifact, byPath, FILES, type Manifest } from "./format.ts";
import type { Gathered } from "./gather.ts";

/** Transcripts take at most so much of a bundle, in bytes: a run whose commands say more keeps the rest where it is. */
const MAX_TRANSCRIPTS_BYTES = 128 * 1024 * 1024;

/** A file of a bundle that is about to be written: small ones are held, large ones read when it is their turn. */
export interface PlannedFile {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  /** Throws Conflict when what comes is not what the hash was made of. */
  read(): Promise<Uint8Array>;
}

export interface PlannedFiles {
  /** In the order of their paths, without those that the manifest cannot name. */
  readonly files: readonly PlannedFile[];
  readonly omitted: Manifest["omitted"];
  readonly artifacts: readonly BundledArtifact[];
}

/** Says which files a bundle has, with the hash and size of each, before any is written. */
export async function planFiles(gathered: Gathered, record: CutRecord): Promise<PlannedFiles> {
  const { run, approvals, effects, policies, keys, lines } = gathered;
  const texts = await artifactFiles(gathered);
  const { jobs, files: transcripts, omitted } = await transcriptFiles(record);
  const json = (path: string, value: unknown) => held(path, canonicalJson(value));
  const files = [
    ...texts.files,
    ...transcripts,
    json(FILES.approvals, approvals),
    json(FILES.artifacts, texts.artifacts),
    held(FILES.audit, lines.map((line) => `${canonicalJson(line)}\n`).join("")),
    json(FILES.deployments, record.deployments),
    json(FILES.effects, effects),
    json(FILES.infra, record.infra),
    json(FILES.jobs, jobs),
    json(FILES.keys, keys),
    json(FILES.policy, policies),
    json(FILES.run, run),
  ];
  return { files: files.sort(byPath), omitted, artifacts: texts.artifacts };
}

function held(path: string, text: string): PlannedFile {
  const bytes = Buffer.from(text);
  return { path, sha256: sha256(bytes), bytes: bytes.byteLength, read: async () => bytes };
}

async function artifactFiles({ versions }: Gathered) {
  const files: PlannedFile[] = [];
  const artifacts: BundledArtifact[] = [];
  for (const { id, runId, kind, logicalKey: key, version, contentSha256, bytes } of versions) {
    const stem = `${stemOf({ kind, key })}/${version}`;
    const path = `artifacts/${stem}.md`;
    const read = () => textOf(id, contentSha256);
    files.push({ path, sha256: contentSha256, bytes, read });
    // Of one that is gone none are found; its text is read later, and then missed.
    const cited = (await readPinned([id])).get(id) ?? [];
    const citations =
      cited.length > 0 ? held(`citations/${stem}.json`, canonicalJson(cited)) : null;
    if (citations) files.push(citations);
    artifacts.push({
      ...{ id, runId, kind, key, version, sha256: contentSha256, path },
      citations: citations?.path ?? null,
    });
  }
  return { files, artifacts };
}

async function textOf(id: string, expected: string): Promise<Uint8Array> {
  const text = (await readTexts([id])).get(id);
  const bytes = Buffer.from(text ?? "");
  if (text !== undefined && sha256(bytes) === expected) return bytes;
  const what = `The artifact ${id} is gone, or not what was published: restore it.`;
  throw new Conflict("bundle_artifact_damaged", what);
}

/** The transcripts in the order of their jobs, as long as there is room; each is read once for its hash. */
async function transcriptFiles({ jobs }: CutRecord) {
  const files: PlannedFile[] = [];
  const omitted: Manifest["omitted"] = [];
  let room = MAX_TRANSCRIPTS_BYTES;
  const listed = [];
  for (const { transcriptBlobRef: key, ...job } of jobs) {
    const path = `transcripts/${job.id}.txt`;
    const found = key === null ? null : await measured(key, room);
    if (found === "gone" || found === "too_large") {
      omitted.push({ path, reason: found === "gone" ? "its blob is gone" : "no room is left" });
    } else if (found && key !== null) {
      room -= found.bytes;
      files.push({ path, ...found, read: () => transcript(key, found.sha256) });
    }
    listed.push({ ...job, transcript: typeof found === "object" && found ? path : null });
  }
  return { jobs: listed, files, omitted };
}

async function measured(key: string, room: number) {
  const head = await blobStore().head(key);
  if (!head) return "gone";
  if (head.size > room) return "too_large";
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of await blobStore().get(key)) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { sha256: hash.digest("hex"), bytes };
}

async function transcript(key: string, expected: string): Promise<Uint8Array> {
  try {
    const bytes = await buffer(await blobStore().get(key));
    if (sha256(bytes) === expected) return bytes;
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
  }
  throw new Conflict("bundle_transcript_changed", `The blob ${key} changed meanwhile: try again.`);
}
