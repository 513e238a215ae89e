import { makeZip } from "client-zip";

export interface ZipEntry {
  /** ASCII, with `/` between directories. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * The first noon that a ZIP can say. In local time, because that is how its clock is written: the same digits in every zone.
 * Noon, because no zone has ever skipped that one.
 */
const FIXED = new Date(1980, 0, 1, 12);
const MODE = 0o644;

/**
 * A ZIP of `entries` in their order, made as it is read; the same entries are the same bytes on every machine. Nothing is
 * compressed, since what zlib makes of a text differs by its version and by the processor. Between reads it holds one entry
 * and the central directory. When `entries` throws, the stream breaks: what was read has no central directory and opens
 * nowhere. When the reader leaves, no further entry is asked for.
 */
export function zipStream(entries: AsyncIterable<ZipEntry>): ReadableStream<Uint8Array> {
  // Canceling client-zip's own stream throws the reason back at whoever canceled; behind a pipe it is only told.
  return makeZip(inputs(entries)).pipeThrough(new TransformStream());
}

async function* inputs(entries: AsyncIterable<ZipEntry>) {
  for await (const { path, bytes } of entries) {
    yield { name: path, input: bytes, lastModified: FIXED, mode: MODE };
  }
}
