import { blobStore } from "#lib/blob/blob.ts";
import type { Content } from "#lib/blob/port.ts";
import { findFile, type ProjectFile, registerUpload } from "#lib/data/files.server.ts";
import { FileRefused, InvalidInput } from "#lib/errors.ts";
import { newId } from "#lib/ids.ts";
import { MAX_FILE_BYTES } from "#lib/ingest/document.ts";
import { sourceKey } from "#lib/ingest/keys.ts";
import { Name } from "./common.ts";
import { filePart } from "./multipart.ts";
import { BodyTooLarge } from "./problem.ts";

/** What a form may have around its file. */
const FORM_BYTES = 128 * 1024;

/** A file on its way in; nothing of `content` was read yet. */
export interface Upload {
  readonly name: string;
  readonly mimeType: string;
  readonly content: Content;
}

/**
 * Finds the file in a request: the one of a form, else the body itself. It is called as `given` says, else the header
 * X-File-Name, else the form.
 * Throws BodyTooLarge by the announced length, FileRefused "empty" and InvalidInput, before any content is read.
 */
export async function uploadOf(request: Request, given: string | undefined): Promise<Upload> {
  const type = request.headers.get("content-type") ?? "application/octet-stream";
  const mimeType = type.split(";")[0]?.trim().toLowerCase() ?? "";
  const form = mimeType === "multipart/form-data";
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  if (length > MAX_FILE_BYTES + (form ? FORM_BYTES : 0)) throw tooLarge();
  if (request.body === null || length === 0) throw empty();
  const name = given ?? nameInHeader(request);
  const body = untilCutOff(request.body);
  if (!form) {
    return { name: checkedName(name), mimeType: checkedType(mimeType), content: notEmpty(body) };
  }
  const part = await filePart(type, body);
  return {
    name: checkedName(name ?? part.name),
    mimeType: checkedType(part.mimeType ?? ""),
    content: notEmpty(part.content),
  };
}

/** Headers are ASCII, so the name is percent-encoded there. */
function nameInHeader(request: Request): string | undefined {
  const encoded = request.headers.get("x-file-name");
  if (encoded === null) return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    const message = "Percent-encode the name in X-File-Name as UTF-8";
    throw new InvalidInput("name_invalid", message, {}, cause);
  }
}

function checkedName(name: string | undefined): string {
  if (name === undefined) {
    throw new InvalidInput("name_missing", "Name the file: add ?name=report.pdf to the URL");
  }
  const parsed = Name.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new InvalidInput(
    "name_invalid",
    "Name the file with 1 to 255 characters on one line, also once what looks like a secret is replaced",
  );
}

/**
 * Stores an upload and registers it; `created` is false when the project has the same bytes. Nothing stays behind when
 * it is refused, cut off or cannot be registered; when nobody can tell whether it was, the bytes stay.
 */
export async function storeUpload(
  projectId: string,
  { name, mimeType, content }: Upload,
): Promise<{ file: ProjectFile; created: boolean }> {
  const id = newId("file");
  const blobRef = sourceKey(projectId, id);
  const store = blobStore();
  const { size, sha256 } = await store.put(blobRef, content, { maxBytes: MAX_FILE_BYTES });
  try {
    const row = { id, projectId, name, mimeType, sizeBytes: size, sha256, blobRef };
    const registered = await registerUpload(row);
    if (!registered.created) {
      await restore(registered.file, blobRef);
      await store.delete(blobRef);
    }
    return registered;
  } catch (error) {
    // The answer may be what was lost, and not the row.
    const file = await findFile({ fileId: id });
    if (file) return { file, created: true };
    await store.delete(blobRef);
    throw error;
  }
}

/** Gives a file its bytes back, should they be lost: they have just come again. One that is removed meanwhile keeps none. */
async function restore({ id: fileId, blobRef }: ProjectFile, copy: string): Promise<void> {
  const store = blobStore();
  if (blobRef === null || (await store.head(blobRef))) return;
  await store.put(blobRef, await store.get(copy));
  // Then its removal may have looked for them before they were there.
  if (!(await findFile({ fileId }))) await store.delete(blobRef);
}

/** The type is the client's claim, kept for people; ingestion looks at the bytes. */
function checkedType(mimeType: string): string {
  const plausible = /^[a-z0-9!#$&^_.+-]{1,63}\/[a-z0-9!#$&^_.+-]{1,63}$/.test(mimeType);
  return plausible ? mimeType : "application/octet-stream";
}

async function* untilCutOff(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    // Not canceled when it is refused half-way: the rest has to be read for the answer to arrive.
    yield* body.values({ preventCancel: true });
  } catch (cause) {
    throw new InvalidInput("body_cut_off", "The upload ended early: send it again", {}, cause);
  }
}

async function* notEmpty(content: Content): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const bytes of content) {
    size += bytes.byteLength;
    yield bytes;
  }
  if (size === 0) throw empty();
}

function empty(): FileRefused {
  return new FileRefused("empty", "The file has 0 bytes: send its content");
}

function tooLarge(): BodyTooLarge {
  return new BodyTooLarge("too_large", `Send at most ${MAX_FILE_BYTES} bytes`);
}
