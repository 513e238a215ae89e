import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, link, lstat, open, rename, rm } from "node:fs/promises";
import { resumed } from "#lib/peek.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { say, sayJson } from "../output.ts";
import { projectOf } from "../settings.ts";

/** The record that every ZIP of ours ends with, which has no comment: what is cut off does not. */
const END_BYTES = 22;
const END_SIGNATURE = 0x06054b50;

/**
 * Writes a project's artifacts to a ZIP file, and tells its path, its bytes and their SHA-256. The file has its name only
 * once it is whole; until then it is another one beside it. Throws Failure when the file is there already and `force` was
 * not said, cannot be written, or what came is not whole: then nothing is left of it.
 */
export async function exportArtifacts(
  { out, force = false }: { out?: string; force?: boolean },
  { api, settings, json }: Context,
): Promise<void> {
  const project = projectOf(settings);
  const path = out ?? `${encodeURIComponent(project)}.zip`;
  // So that nothing is fetched in vain; what counts is that putting it in place refuses.
  if (!force && (await isThere(path))) throw there(path);
  const pieces = api().download(`/api/export/${encodeURIComponent(project)}`);
  try {
    // An answer that says no leaves no trace: the file is made when there is something to write.
    const first = await pieces.next();
    const { bytes, sha256 } = await saved(resumed(first, pieces), path, force);
    if (json) return sayJson({ path, bytes, sha256 });
    say(`File     ${path}`);
    say(`Bytes    ${bytes}`);
    say(`SHA-256  ${sha256}`);
  } finally {
    // What nobody reads any more would keep the process waiting for it.
    await pieces.return(undefined);
  }
}

async function saved(
  pieces: AsyncIterable<Uint8Array>,
  path: string,
  force: boolean,
): Promise<{ bytes: number; sha256: string }> {
  const part = `${path}.${randomUUID()}.part`;
  const file = await open(part, "wx").catch((error) => {
    throw unwritten(path, error);
  });
  try {
    const told = await written(file, pieces, path);
    await inPlace(part, path, force);
    return told;
  } finally {
    await file.close();
    await rm(part, { force: true });
  }
}

async function written(
  file: FileHandle,
  pieces: AsyncIterable<Uint8Array>,
  path: string,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  const refused = (error: unknown) => {
    throw unwritten(path, error);
  };
  let bytes = 0;
  let end = Buffer.alloc(0);
  for await (const piece of pieces) {
    await file.writeFile(piece).catch(refused);
    hash.update(piece);
    bytes += piece.length;
    end = Buffer.concat([end, piece.subarray(-END_BYTES)]).subarray(-END_BYTES);
  }
  if (end.length < END_BYTES || end.readUInt32LE() !== END_SIGNATURE) {
    throw new Failure(EXIT.unreachable, "What came is no whole ZIP. Try again.");
  }
  await file.sync().catch(refused);
  return { bytes, sha256: hash.digest("hex") };
}

/** In one step: whoever reads `path` sees what was there before or all of the new one. */
async function inPlace(part: string, path: string, force: boolean): Promise<void> {
  try {
    // A rename would replace what has come there meanwhile; a link refuses.
    await (force ? rename(part, path) : link(part, path));
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw there(path);
    throw unwritten(path, error);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw unwritten(path, error);
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function there(path: string): Failure {
  const message = `${path} is there already. Name another file with --out, or say --force.`;
  return new Failure(EXIT.usage, message);
}

function unwritten(path: string, error: unknown): Failure {
  const message = `${path} cannot be written (${codeOf(error)}). Name another file with --out.`;
  return new Failure(EXIT.usage, message);
}
