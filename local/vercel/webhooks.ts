import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Deliveries, Delivery } from "./store/deliveries.ts";

/** With the pauses between them they cover about a minute in which the receiver may be down. */
const ATTEMPTS = 20;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5000;
const TIMEOUT_MS = 10_000;

/** Where deliveries go, and what they are signed with. */
export interface Hook {
  readonly url: string;
  readonly secret: string;
}

/** Delivers what is queued, in order and one at a time, each as often as it takes until the receiver has it or time is over. */
export class Deliverer {
  readonly #deliveries: Deliveries;
  readonly #hook: Hook | null;
  readonly #stopped = new AbortController();
  #running: Promise<void> | null = null;

  constructor(deliveries: Deliveries, hook: Hook | null) {
    this.#deliveries = deliveries;
    this.#hook = hook;
  }

  /** Looks at what is queued; returns at once. */
  wake(): void {
    if (!this.#hook || this.#ended || this.#running) return;
    if (!this.#deliveries.next()) return;
    this.#running = this.#drain(this.#hook)
      .catch((error) => console.error("vercel webhooks:", error))
      .finally(() => {
        this.#running = null;
        // Queued while it was ending.
        this.wake();
      });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  get #ended(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #drain(hook: Hook): Promise<void> {
    for (let next = this.#deliveries.next(); next && !this.#ended; next = this.#deliveries.next()) {
      await this.#deliver(hook, next);
    }
  }

  async #deliver(hook: Hook, delivery: Delivery): Promise<void> {
    const { status, said } = await this.#send(hook, delivery);
    if (this.#ended) return;
    const delivered = status !== null && status < 300;
    const final = (status !== null && status < 500) || delivery.attempts + 1 >= ATTEMPTS;
    const state = delivered ? "delivered" : final ? "failed" : "pending";
    this.#deliveries.tried(delivery.id, { state, status, said });
    if (state !== "pending") return;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** delivery.attempts, LONGEST_PAUSE_MS);
    await sleep(pause, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }

  async #send(
    { url, secret }: Hook,
    { body }: Delivery,
  ): Promise<{ status: number | null; said: string | null }> {
    const headers = {
      "content-type": "application/json; charset=utf-8",
      "user-agent": "Vercel Webhooks/local",
      "x-vercel-signature": signature(secret, body),
    };
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const sent = { method: "POST", headers, body, signal, redirect: "manual" } as const;
      const response = await fetch(url, sent);
      await response.body?.cancel();
      return { status: response.status, said: response.statusText };
    } catch (error) {
      return { status: null, said: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** https://vercel.com/docs/webhooks/webhooks-api#securing-webhooks */
export function signature(secret: string, body: string): string {
  return createHmac("sha1", secret).update(body).digest("hex");
}
