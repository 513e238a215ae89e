import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { blobStore } from "../blob/blob.ts";
import { attachBytes } from "../data/file-bytes.server.ts";
import { fileOfBytes, findFile, type ProjectFile, registerLink } from "../data/files.server.ts";
import { CountersignError, FileRefused, Unavailable } from "../errors.ts";
import { MAX_FILE_BYTES } from "./document.ts";
import { linkKey } from "./keys.ts";
import { type Refusal, refuse } from "./outcome.ts";
import { type Begun, begin, type Uploaded } from "./register.ts";

/** For redirects and content together; below the platform's limit of one request. */
const DOWNLOAD_TIMEOUT_MS = 45_000;

/** The file that the bytes of a link have become. `removed`: the one that waited for them was, and stays so. */
export type Fetched = Begun | { outcome: "removed"; fileId: string } | Refusal;

/**
 * Fetches the bytes of a link for its file, which becomes the file that already has the same bytes, if the project has one.
 * A link may lead to other bytes when it is fetched again, or by another at the same time: those are another file.
 * @param at when it was asked for
 */
export async function fetchLink(data: Uploaded, fileId: string, at?: Date): Promise<Fetched> {
  const file = await findFile({ fileId });
  if (!file) return { outcome: "removed", fileId };
  if (file.sha256 !== null) return await begin(file);
  const dir = await mkdtemp(join(tmpdir(), "countersign-"));
  try {
    const bytes = await fetched(data, file, join(dir, "source"));
    const whose = (await keep(file, bytes)) ?? (await keepElsewhere(data, file, bytes, at));
    return whose ? await begin(whose) : { outcome: "removed", fileId };
  } catch (error) {
    const refusal = await refuse(fileId, error, { pending: true });
    if (refusal) return refusal;
    const now = await findFile({ fileId });
    return now ? await begin(now) : { outcome: "removed", fileId };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface Bytes {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly mimeType: string;
}

async function fetched(
  data: Uploaded,
  { sourceUrl, expectedSha256: expected }: ProjectFile,
  path: string,
): Promise<Bytes> {
  // The row's link has no credential; without an event that has, it is as it was.
  const { url, sha256: expectedSha256 = undefined } =
    "url" in data ? data : { url: sourceUrl ?? "", sha256: expected ?? undefined };
  const limits = { maxBytes: MAX_FILE_BYTES, timeoutMs: DOWNLOAD_TIMEOUT_MS };
  // Node's HTTP client and the address tables: only for those who send links.
  const { download } = await import("./fetch/download.ts");
  const { sha256, size, mimeType } = await download({ url, expectedSha256, ...limits }, (content) =>
    pipeline(content, createWriteStream(path)),
  );
  if (size === 0) throw new FileRefused("empty", "The link leads to 0 bytes.");
  return { path, sha256, sizeBytes: size, mimeType: mimeType ?? "application/octet-stream" };
}

/** Makes them the bytes of a file that has none. Null, and nothing of them stays, when it has other ones by now or is gone. */
async function keep(
  { id: fileId, projectId }: ProjectFile,
  { path, ...bytes }: Bytes,
): Promise<ProjectFile | null> {
  const blobRef = linkKey(projectId, fileId, bytes.sha256);
  await blobStore().put(blobRef, createReadStream(path), { sha256: bytes.sha256 });
  try {
    const { file, merged } = await attachBytes({ ...bytes, fileId, blobRef });
    if (merged) await blobStore().delete(blobRef);
    return file;
  } catch (error) {
    const code = error instanceof CountersignError ? error.code : null;
    if (code !== "file_not_found" && code !== "file_has_bytes") throw error;
    await blobStore().delete(blobRef);
    return null;
  }
}

/** What becomes of bytes whose file got other ones from another event, or has become another file. Null when it was removed. */
async function keepElsewhere(
  data: Uploaded,
  { id: fileId, projectId }: ProjectFile,
  bytes: Bytes,
  at: Date | undefined,
): Promise<ProjectFile | null> {
  const same = await fileOfBytes({ projectId, sha256: bytes.sha256 });
  if (same) return same;
  const now = await findFile({ fileId });
  if (!now || !("url" in data)) return now;
  const { file } = await registerLink({ ...data, at });
  const kept = await keep(file, bytes);
  if (!kept) throw new Unavailable("file_changing", `The link of ${fileId} leads to ever others.`);
  return kept;
}
