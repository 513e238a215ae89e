import * as z from "zod";
import type { IndexType } from "../upstash-vector/types.ts";

const TIMEOUT_MS = 20_000;
const ids = z.object({ result: z.array(z.string()) });

/** The local vector server, as who may make and remove its indexes. */
export class VectorServer {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** Makes an index; one that is there stays. */
  async make(id: string, settings: { token: string; type: IndexType }): Promise<void> {
    await this.#call("PUT", `/${id}`, settings);
  }

  /** Removes an index with its vectors; one that is gone already is fine. */
  async drop(id: string): Promise<void> {
    await this.#call("DELETE", `/${id}`);
  }

  async ids(): Promise<string[]> {
    return ids.parse(await this.#call("GET", "")).result;
  }

  /** Where clients find an index. */
  urlOf(id: string): string {
    return `${this.#url}/indexes/${id}`;
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#url}/_indexes${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the vector server answered ${response.status}: ${text}`);
    return JSON.parse(text);
  }
}
