/**
 * Cuts one direction of a PostgreSQL 3.0 connection into its messages, wherever the chunks that it comes in begin and end.
 * Source of the format: PostgreSQL documentation, "Message Formats".
 */
export class Framer {
  #rest: Buffer = Buffer.alloc(0);
  #untyped: boolean;

  /** @param untyped whether the first message has no type byte: what a client sends first. */
  constructor(untyped = false) {
    this.#untyped = untyped;
  }

  /** Takes a chunk; returns the messages that are whole by now. Throws RangeError for a length that cannot be. */
  push(chunk: Buffer): Message[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const messages: Message[] = [];
    for (let message = this.#next(); message; message = this.#next()) messages.push(message);
    return messages;
  }

  #next(): Message | undefined {
    const at = this.#untyped ? 0 : 1;
    if (this.#rest.length < at + 4) return undefined;
    const length = this.#rest.readInt32BE(at);
    if (length < 4 || length > MAX_MESSAGE) throw new RangeError(`a message of ${length} bytes`);
    const end = at + length;
    if (this.#rest.length < end) return undefined;
    const bytes = this.#rest.subarray(0, end);
    const type = this.#untyped ? "" : String.fromCharCode(bytes.readUInt8(0));
    this.#rest = this.#rest.subarray(end);
    this.#untyped = false;
    return { type, bytes, body: bytes.subarray(at + 4) };
  }
}

/** What PostgreSQL itself refuses. */
const MAX_MESSAGE = 1 << 30;

export interface Message {
  /** The type byte, such as `Q`; empty for a client's first message. */
  readonly type: string;
  /** All of it, as it came. */
  readonly bytes: Buffer;
  /** Without type and length. */
  readonly body: Buffer;
}

/** What a client asks for, ready to be run: a simple query, or everything of an extended one up to its Sync. */
export interface Request {
  readonly sql: string;
  /** Bound parameters in the order of $1, $2, …; all that our driver sends is text. */
  readonly params: readonly (string | null)[];
  readonly bytes: Buffer;
}

/** Collects a client's messages into requests. */
export class Requests {
  #parts: Buffer[] = [];
  #sql = "";
  #params: (string | null)[] = [];
  /** What each prepared statement of the connection says: it is sent once, and then meant by its name. */
  readonly #prepared = new Map<string, string>();

  /** Takes a message; returns the request that it completes. */
  push({ type, bytes, body }: Message): Request | undefined {
    this.#parts.push(bytes);
    if (type === "P") {
      const name = text(body, 0);
      this.#prepared.set(name.value, text(body, name.end).value);
    }
    if (type === "B") {
      const { statement, params } = bound(body);
      this.#sql = this.#prepared.get(statement) ?? "";
      this.#params = params;
    }
    if (type === "Q") this.#sql = text(body, 0).value;
    if (type !== "Q" && type !== "S") return undefined;
    const request = {
      sql: this.#sql,
      params: this.#params,
      bytes: Buffer.concat(this.#parts),
    };
    this.#parts = [];
    this.#sql = "";
    this.#params = [];
    return request;
  }
}

/** A text that ends with a zero byte, and where the next thing begins. */
function text(body: Buffer, from: number): { value: string; end: number } {
  const zero = body.indexOf(0, from);
  if (zero === -1) throw new RangeError("a text that does not end");
  return { value: body.toString("utf8", from, zero), end: zero + 1 };
}

/** A Bind message: which prepared statement it means, and its parameters. */
function bound(body: Buffer): { statement: string; params: (string | null)[] } {
  const portal = text(body, 0);
  const statement = text(body, portal.end);
  const formats = body.readInt16BE(statement.end);
  let at = statement.end + 2 + formats * 2;
  const params: (string | null)[] = [];
  const count = body.readInt16BE(at);
  at += 2;
  for (let n = 0; n < count; n++) {
    const length = body.readInt32BE(at);
    at += 4;
    if (length === -1) {
      params.push(null);
      continue;
    }
    params.push(body.toString("utf8", at, at + length));
    at += length;
  }
  return { statement: statement.value, params };
}
