import { signWithAuditKey } from "../audit/checkpoint.ts";
import { canonicalJson, sha256 } from "../canonical.ts";
import type { Artifact } from "../data/artifacts.server.ts";
import { env } from "../env.ts";
import { Conflict } from "../errors.ts";
import { type ZipEntry, zipStream } from "../export/zip.ts";
import { recordSchema } from "./cut.ts";
import { enveloped } from "./dsse.ts";
import { planFiles } from "./files.ts";
import {
  byPath,
  FILES,
  FORMAT,
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_FILES,
  type Manifest,
  UNLISTED,
} from "./format.ts";
import { type Gathered, gather } from "./gather.ts";
import { approvalStatement, slsaStatement } from "./statements.ts";

/** A bundle that is being made: what it says, and its bytes as they are read. */
export interface Made {
  readonly gathered: Gathered;
  readonly manifestSha256: string;
  readonly keyId: string | null;
  readonly stream: ReadableStream<Uint8Array>;
}

/**
 * Makes the bundle of an ended run from the record of its cut: the same record is the same bytes, however often, from whatever
 * copy of the database and however much happened since; only another AUDIT_SIGNING_KEY gives others. Holds the
 * chain's slice and one file at a time. Throws Conflict when it would be too large, or rows are not what they were.
 */
export async function makeBundle(provenance: Artifact): Promise<Made> {
  const { projectId, content } = provenance;
  const record = recordSchema.parse(JSON.parse(content));
  const gathered = await gather({ projectId, runId: record.run }, record);
  const { files, omitted, artifacts } = await planFiles(gathered, record);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const count = files.length + UNLISTED.length;
  if (total > MAX_BUNDLE_BYTES || count > MAX_BUNDLE_FILES) {
    const what = `The bundle of ${record.run} would have ${count} files of ${total} bytes: read its parts one by one.`;
    throw new Conflict("bundle_too_large", what);
  }
  const listed: Manifest = {
    ...{ format: FORMAT, project: projectId, run: record.run },
    files: files.map(({ path, sha256: hash, bytes }) => ({ path, sha256: hash, bytes })),
    omitted,
  };
  const manifest = Buffer.from(canonicalJson(listed));
  const manifestSha256 = sha256(manifest);
  const stated = { ...gathered, artifacts, manifestSha256 };
  const signer = env().AUDIT_SIGNING_KEY ? signWithAuditKey : null;
  const made: ZipEntry[] = [
    { path: FILES.manifest, bytes: manifest },
    { path: FILES.slsaStatement, bytes: enveloped(slsaStatement(stated), signer) },
    { path: FILES.approvalStatement, bytes: enveloped(approvalStatement(stated), signer) },
  ];
  const ready = made.map(({ path, bytes }) => ({ path, read: async () => bytes }));
  const entries = async function* (): AsyncGenerator<ZipEntry> {
    for (const { path, read } of [...files, ...ready].sort(byPath)) {
      yield { path, bytes: await read() };
    }
  };
  const keyId = gathered.keys.audit?.keyId ?? null;
  return { gathered, manifestSha256, keyId, stream: zipStream(entries()) };
}
