import type { z } from "zod";
import { blobStore } from "../blob/blob.ts";
import { attachBytes } from "../data/file-bytes.server.ts";
import { markIngesting } from "../data/file-progress.server.ts";
import { findFile, registerLink } from "../data/files.server.ts";
import { projectExists } from "../data/projects.server.ts";
import { FileRefused, NotFound, noProjectYet } from "../errors.ts";
import type { fileUploaded } from "../events/catalogue/files.ts";
import { EXTRACTION_VERSION, MAX_FILE_BYTES } from "./document.ts";
import { sourceKey } from "./keys.ts";
import { type Refusal, refusable } from "./outcome.ts";

/** For redirects and content together; below the platform's limit of one request. */
const DOWNLOAD_TIMEOUT_MS = 45_000;

/** What the first step finds: a file whose bytes are here, one with nothing left to do, or a refusal. */
export type Registered = { outcome: "ready" | "unchanged"; fileId: string; name: string } | Refusal;

type Uploaded = z.infer<NonNullable<typeof fileUploaded.schema>>;

/**
 * Makes sure that the file's row and bytes are here. A link is fetched and becomes the file that already has the same
 * bytes, if the project has one. `at`: when it was asked for. Throws NotFound when the file is not (or no longer) there, and Later when its project is not.
 */
export async function register(data: Uploaded, at?: Date): Promise<Registered> {
  if (!("url" in data)) return begin(data.projectId, data.fileId);
  if (!(await projectExists({ id: data.projectId }))) throw noProjectYet(data.projectId);
  const { file } = await registerLink({
    projectId: data.projectId,
    name: data.name,
    url: data.url,
    sha256: data.sha256,
    at,
  });
  if (file.sha256 !== null) return begin(data.projectId, file.id);
  return await refusable(file.id, async () => {
    const { url, sha256: expectedSha256 } = data;
    const key = sourceKey(data.projectId, file.id);
    const limits = { maxBytes: MAX_FILE_BYTES, timeoutMs: DOWNLOAD_TIMEOUT_MS };
    // Node's HTTP client and the address tables: only for those who send links.
    const { download } = await import("./fetch/download.ts");
    const got = await download({ url, expectedSha256, ...limits }, (content) =>
      blobStore().put(key, content),
    );
    if (got.size === 0) throw new FileRefused("empty", "The link leads to 0 bytes.");
    const attached = await attachBytes({
      fileId: file.id,
      sha256: got.sha256,
      sizeBytes: got.size,
      mimeType: got.mimeType ?? "application/octet-stream",
      blobRef: key,
    });
    if (attached.merged) await blobStore().delete(key);
    return await begin(data.projectId, attached.file.id);
  });
}

async function begin(projectId: string, fileId: string): Promise<Registered> {
  const file = await findFile({ fileId });
  if (!file || file.projectId !== projectId) throw missing(fileId);
  if (file.sha256 === null && file.sourceUrl?.includes("[redacted:")) {
    // The sweeper's: the event that had the whole link came to nothing.
    return await refusable(fileId, async () => {
      throw new FileRefused("url_refused", "The link's credential is not kept: send it again");
    });
  }
  const done = ["ingested", "rejected"].includes(file.status);
  if (done && file.extractionVersion === EXTRACTION_VERSION) {
    return { outcome: "unchanged", fileId, name: file.name };
  }
  await markIngesting({ fileId });
  return { outcome: "ready", fileId, name: file.name };
}

function missing(fileId: string): NotFound {
  return new NotFound(
    "file_not_found",
    `There is no file ${fileId} here; it may have been removed.`,
  );
}
