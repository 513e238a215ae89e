import type { AppClient } from "./app-client.ts";
import { reconnectDelay } from "./backoff.ts";

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;

/** Asks apps to register: a PUT to the serve URL, upon which the app itself posts to `/fn/register`. */
export class AppSync {
  readonly #client: AppClient;
  readonly #log: (message: string) => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #stopped = false;

  constructor(client: AppClient, log: (message: string) => void) {
    this.#client = client;
    this.#log = log;
  }

  /**
   * Syncs one app. Does nothing when that is under way already.
   * @param persist again and again until it has registered; otherwise once.
   */
  sync(url: string, persist: boolean): void {
    if (!this.#timers.has(url)) this.#plan(url, 0, 0, persist);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #plan(url: string, failures: number, delay: number, persist: boolean): void {
    const timer = setTimeout(() => void this.#try(url, failures, persist), delay);
    this.#timers.set(url, timer);
  }

  async #try(url: string, failures: number, persist: boolean): Promise<void> {
    const answer = await this.#client.call({
      method: "PUT",
      url,
      headers: { "x-inngest-server-kind": "dev" },
      body: "{}",
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    if (this.#stopped) return;
    if (!persist || (answer.kind === "answered" && answer.status < 300)) {
      this.#timers.delete(url);
      return;
    }
    const why =
      answer.kind === "answered" ? `${answer.status} ${answer.body.slice(0, 500)}` : answer.message;
    if (failures === 0 || answer.kind === "answered")
      this.#log(`waiting for ${url} to register: ${why}`);
    this.#plan(url, failures + 1, reconnectDelay(failures), persist);
  }
}
