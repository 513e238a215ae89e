import type { Content } from "#lib/blob/port.ts";
import { InvalidInput } from "#lib/errors.ts";

const MAX_HEADER_BYTES = 8 * 1024;
/** All that is not the file: what precedes the first boundary, other fields. */
const MAX_OTHER_BYTES = 64 * 1024;
const BLANK_LINE = Buffer.from("\r\n\r\n");

/** The one file of a form, to be read to its end. */
export interface FilePart {
  readonly name: string;
  /** Of the part's Content-Type, without parameters; null when it has none. */
  readonly mimeType: string | null;
  /** The file's bytes as they arrive. Throws InvalidInput before its end when the form is cut off or has a second file. */
  readonly content: Content;
}

/**
 * Finds the file in a multipart/form-data body (RFC 7578) without buffering it. Fields without a file name are skipped.
 * Throws InvalidInput when the form is malformed or has no file.
 */
export async function filePart(contentType: string, body: Content): Promise<FilePart> {
  const parts = new PartReader(body, boundaryOf(contentType));
  try {
    for (;;) {
      await parts.skip(); // first of all what precedes the first boundary
      const headers = await parts.headers();
      if (headers === null) throw new InvalidInput("file_missing", "The form has no file: add one");
      const name = fileName(headers);
      if (name === null) continue;
      const type = /^content-type:[ \t]*([^\s;]+)/im.exec(headers)?.[1]?.toLowerCase();
      return { name, mimeType: type ?? null, content: wholeFile(parts) };
    }
  } catch (error) {
    await parts.close();
    throw error;
  }
}

async function* wholeFile(parts: PartReader): AsyncGenerator<Uint8Array> {
  try {
    yield* parts.content();
    for (let headers = await parts.headers(); headers !== null; headers = await parts.headers()) {
      if (fileName(headers) !== null) {
        throw new InvalidInput("several_files", "The form has several files: send one per request");
      }
      await parts.skip();
    }
  } finally {
    await parts.close();
  }
}

/** Walks over the parts: `headers`, then `content` or `skip` to its end, and again. */
class PartReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #delimiter: Buffer;
  /** Read but not yet given out. A line end before the body makes the first boundary like every other. */
  #pending: Buffer = Buffer.from("\r\n");
  #otherBytes = 0;

  constructor(body: Content, boundary: string) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
  }

  /** The next part's header lines; null after the last part. */
  async headers(): Promise<string | null> {
    while (this.#pending.length < 2) await this.#fill();
    const end = this.#pending.toString("latin1", 0, 2);
    if (end === "--") return null;
    if (end !== "\r\n") throw malformed("what follows a boundary must be a line end");
    const lines: Uint8Array[] = [];
    let size = 0;
    for await (const bytes of this.#until(BLANK_LINE)) {
      size += bytes.length;
      if (size > MAX_HEADER_BYTES) throw malformed("the headers of a part are too long");
      lines.push(bytes);
    }
    return Buffer.concat(lines).toString("utf8");
  }

  /** The part's bytes, up to the next boundary. */
  content(): AsyncGenerator<Uint8Array> {
    return this.#until(this.#delimiter);
  }

  async skip(): Promise<void> {
    for await (const bytes of this.content()) {
      this.#otherBytes += bytes.length;
      if (this.#otherBytes > MAX_OTHER_BYTES) throw malformed("too much besides the file");
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async *#until(mark: Buffer): AsyncGenerator<Uint8Array> {
    for (;;) {
      const at = this.#pending.indexOf(mark);
      // Without the mark, all but what could be its beginning is content.
      const certain = at === -1 ? this.#pending.length - mark.length + 1 : at;
      if (certain > 0) yield this.#take(certain);
      if (at !== -1) {
        this.#take(mark.length);
        return;
      }
      await this.#fill();
    }
  }

  #take(count: number): Buffer {
    const taken = this.#pending.subarray(0, count);
    this.#pending = this.#pending.subarray(count);
    return taken;
  }

  async #fill(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done) throw malformed("it ends before its last boundary");
    this.#pending = Buffer.concat([this.#pending, value]);
  }
}

function boundaryOf(contentType: string): string {
  const found = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2] ?? "";
  if (!/^[\x20-\x7e]{1,70}$/.test(boundary)) throw malformed("it names no valid boundary");
  return boundary;
}

/** The file name in a Content-Disposition; null when there is none. Browsers write `"` as %22, curl as \". */
function fileName(headers: string): string | null {
  const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1] ?? "";
  const found = /;\s*filename=(?:"((?:\\.|[^"\\])*)"|([^\s;"]+))/i.exec(disposition);
  const name = found?.[1] ?? found?.[2];
  return name === undefined ? null : name.replace(/\\(["\\])/g, "$1").replaceAll("%22", '"');
}

function malformed(why: string): InvalidInput {
  return new InvalidInput("malformed_form", `The form is not valid multipart/form-data: ${why}`);
}
