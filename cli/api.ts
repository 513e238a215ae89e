import * as z from "zod";
import { EXIT, Failure } from "./exit.ts";
import type { Settings } from "./settings.ts";

const TIMEOUT_MS = 30_000;
/** For all of a body that may be large, on a slow line; fetch itself gives up when nothing comes for five minutes. */
const DOWNLOAD_TIMEOUT_MS = 60 * 60_000;
/** What is taken as a whole, in memory: what is larger could not be one text. */
const MAX_TEXT_BYTES = 300 * 1024 * 1024;

const problem = z.object({ code: z.string(), detail: z.string() });

/** Not there, or not the caller's. */
class Missing extends Failure {}

/** The HTTP edge of Countersign, as whoever the token stands for. */
export class Api {
  readonly #url: string;
  readonly #token: string;

  /** Throws Failure when it was not said where it is, or no token was given. */
  constructor({ url, token }: Settings) {
    if (!url) {
      throw new Failure(
        EXIT.usage,
        "Where is Countersign? Say --url <url>, set COUNTERSIGN_URL, or run npm start.",
      );
    }
    if (!token) {
      throw new Failure(EXIT.signedOut, "Who are you? Say --token, or set COUNTERSIGN_TOKEN.");
    }
    this.#url = url;
    this.#token = token;
  }

  /** The token's subject: the name under which the edge knows the caller. Throws Failure for what is no token. */
  async caller(): Promise<string> {
    const { decodeJwt } = await import("jose");
    try {
      const { sub } = decodeJwt(this.#token);
      if (sub) return sub;
    } catch {
      // Said below: the same for a token that cannot be read and one that names nobody.
    }
    throw new Failure(EXIT.signedOut, "The token does not say whose it is.");
  }

  get<T extends z.ZodType>(path: string, answer: T): Promise<z.infer<T>> {
    return this.#json("GET", path, answer);
  }

  /** The same; null for what is not there (yet). */
  async find<T extends z.ZodType>(path: string, answer: T): Promise<z.infer<T> | null> {
    try {
      return await this.get(path, answer);
    } catch (error) {
      if (error instanceof Missing) return null;
      throw error;
    }
  }

  post<T extends z.ZodType>(path: string, body: object, answer: T): Promise<z.infer<T>> {
    return this.#json("POST", path, answer, body);
  }

  put<T extends z.ZodType>(path: string, body: object, answer: T): Promise<z.infer<T>> {
    return this.#json("PUT", path, answer, body);
  }

  async delete(path: string): Promise<void> {
    await this.#call("DELETE", path);
  }

  /** All of a body that may be large, as text. Throws Failure for one that is too large, and as {@link download} does. */
  async text(path: string): Promise<string> {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of this.download(path)) {
      bytes += piece.length;
      if (bytes > MAX_TEXT_BYTES) throw new Failure(EXIT.negative, "It is larger than 300 MB.");
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString("utf8");
  }

  /** The body in pieces as they come, for what may be large. Throws Failure, also when it breaks off. */
  async *download(path: string): AsyncGenerator<Uint8Array> {
    const { body } = await this.#call("GET", path, undefined, DOWNLOAD_TIMEOUT_MS);
    try {
      yield* body ?? [];
    } catch {
      // Only what reading throws comes here: a consumer that fails ends the generator instead.
      throw new Failure(EXIT.unreachable, `The answer of ${this.#url} broke off. Try again.`);
    }
  }

  async #json<T extends z.ZodType>(
    method: string,
    path: string,
    answer: T,
    body?: object,
  ): Promise<z.infer<T>> {
    const response = await this.#call(method, path, body);
    const { success, data } = answer.safeParse(await response.json().catch(() => undefined));
    if (success) return data;
    throw new Failure(EXIT.unreachable, `${this.#url} does not answer as Countersign does.`);
  }

  async #call(
    method: string,
    path: string,
    body?: object,
    timeoutMs = TIMEOUT_MS,
  ): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(new URL(path, this.#url), {
        method,
        headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch {
      throw new Failure(EXIT.unreachable, `${this.#url} does not answer. Is it running?`);
    }
    if (response.ok) return response;
    throw await refusal(response);
  }
}

async function refusal(response: Response): Promise<Failure> {
  const { status } = response;
  const { data } = problem.safeParse(await response.json().catch(() => undefined));
  const said = data ? `${data.detail} (${data.code})` : `The answer was ${status}.`;
  if (status === 401) return new Failure(EXIT.signedOut, said);
  if (status === 404) return new Missing(EXIT.negative, said);
  return new Failure(status >= 500 ? EXIT.unreachable : EXIT.negative, said);
}
