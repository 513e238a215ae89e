import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { FileRefused } from "#lib/errors.ts";
import type { Content, ContentLimits } from "./port.ts";

/** A whole content in a file of its own, that the caller moves or removes. */
export interface Spooled {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/**
 * Writes `content` to a new file in `dir` (created when missing), on disk when this returns. Memory stays at a few
 * stream buffers. Throws FileRefused when a limit is broken and whatever `content` throws; the file is then gone.
 */
export async function spool(
  dir: string,
  content: Content,
  limits: ContentLimits = {},
): Promise<Spooled> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, `${randomUUID()}.part`);
  const hash = createHash("sha256");
  let size = 0;
  const measured = async function* () {
    for await (const bytes of content) {
      size += bytes.byteLength;
      if (size > (limits.maxBytes ?? Number.POSITIVE_INFINITY)) {
        throw new FileRefused("too_large", `Larger than the limit of ${limits.maxBytes} bytes`, {
          maxBytes: limits.maxBytes,
        });
      }
      hash.update(bytes);
      yield bytes;
    }
  };
  // Opened before anything can fail: a stream opens late, and would make the file after it was removed.
  const file = await open(path, "wx", 0o600);
  try {
    await pipeline(measured, file.createWriteStream({ flush: true }));
    const sha256 = hash.digest("hex");
    checkContent({ size, sha256 }, limits);
    return { path, size, sha256 };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

function checkContent(content: { size: number; sha256: string }, limits: ContentLimits): void {
  if (limits.size !== undefined && content.size !== limits.size) {
    throw new FileRefused("corrupt", `Expected ${limits.size} bytes, got ${content.size}`);
  }
  if (limits.sha256 !== undefined && content.sha256 !== limits.sha256) {
    throw new FileRefused(
      "hash_mismatch",
      "The content does not have the SHA-256 that was announced",
      {
        expected: limits.sha256,
        actual: content.sha256,
      },
    );
  }
}

const STALE_MS = 24 * 60 * 60 * 1000;

/** Removes what a killed process left in `dir`: files of {@link spool} that nobody touched for a day. */
export async function removeStaleSpools(dir: string, now: number = Date.now()): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    const info = await stat(path, { throwIfNoEntry: false });
    if (info && now - info.mtimeMs > STALE_MS) await rm(path, { force: true });
  }
}
