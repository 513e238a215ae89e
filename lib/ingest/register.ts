import type { z } from "zod";
import { markIngesting } from "../data/file-progress.server.ts";
import { findFile, type ProjectFile, registerLink } from "../data/files.server.ts";
import { projectExists } from "../data/projects.server.ts";
import { FileRefused, NotFound, noProjectYet } from "../errors.ts";
import type { fileUploaded } from "../events/catalogue/files.ts";
import { EXTRACTION_VERSION } from "./document.ts";
import { type Passed, type Refusal, refusable } from "./outcome.ts";

/** A file whose bytes are here, or one with nothing left to do. */
export interface Begun {
  readonly outcome: "ready" | "unchanged";
  readonly fileId: string;
  readonly name: string;
}

/** What the first step finds; `link`: its bytes are still to be fetched. */
export type Registered = Begun | { outcome: "link"; fileId: string } | Passed | Refusal;

export type Uploaded = z.infer<NonNullable<typeof fileUploaded.schema>>;

/**
 * Makes sure that the file's row is here. Nothing is fetched yet: whoever is tried again fetches for the same row, which may
 * have been removed meanwhile. `at`: when it was asked for. Throws NotFound when the file is not (or no longer) there, and
 * NotYet when its project is not.
 */
export async function register(data: Uploaded, at?: Date): Promise<Registered> {
  const { projectId } = data;
  if ("url" in data) {
    if (!(await projectExists({ id: projectId }))) throw noProjectYet(projectId);
    const { file } = await registerLink({ ...data, at });
    return { outcome: "link", fileId: file.id };
  }
  const file = await findFile({ fileId: data.fileId });
  if (file?.projectId !== projectId) throw missing(data.fileId);
  if (file.sha256 !== null || file.status === "rejected") return await begin(file);
  if (!file.sourceUrl?.includes("[redacted:")) {
    return { outcome: "link", fileId: file.id };
  }
  // The sweeper's: the event that had the whole link came to nothing.
  const lost = async () => {
    throw new FileRefused("url_refused", "The link's credential is not kept: send it again");
  };
  return await refusable(file.id, lost, { pending: true });
}

/** Says that work on a file whose bytes are here begins, or that there is none left. */
export async function begin({
  id: fileId,
  name,
  status,
  sha256,
  extractionVersion,
}: ProjectFile): Promise<Begun> {
  const done = status === "ingested" || status === "rejected";
  // Without bytes no other version of ours makes a difference either.
  if (done && (sha256 === null || (extractionVersion ?? 0) >= EXTRACTION_VERSION)) {
    return { outcome: "unchanged", fileId, name };
  }
  await markIngesting({ fileId });
  return { outcome: "ready", fileId, name };
}

function missing(fileId: string): NotFound {
  return new NotFound(
    "file_not_found",
    `There is no file ${fileId} here; it may have been removed.`,
  );
}
