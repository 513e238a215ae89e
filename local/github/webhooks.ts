import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service } from "./service.ts";
import type { Delivery, HookRow } from "./store/hooks.ts";

/** With the pauses between them they cover about a minute in which the receiver may be down. */
const ATTEMPTS = 20;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5000;
const TIMEOUT_MS = 10_000;

/**
 * Delivers what is queued, to each hook in order and one at a time. Other than GitHub, which tries once and lets a person try
 * again, it tries a few times by itself.
 */
export class Deliverer {
  readonly #service: Service;
  readonly #stopped = new AbortController();
  readonly #running = new Map<number, Promise<void>>();

  constructor(service: Service) {
    this.#service = service;
  }

  /** Looks at what is queued; returns at once. */
  wake(): void {
    if (this.#stopped.signal.aborted) return;
    for (const id of this.#service.hooks.waiting()) {
      if (this.#running.has(id)) continue;
      const work = this.#drain(id).finally(() => this.#running.delete(id));
      // Queued while it was ending.
      this.#running.set(id, work);
      work.then(() => this.wake()).catch((error) => console.error("github webhooks:", error));
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await Promise.allSettled(this.#running.values());
  }

  async #drain(id: number): Promise<void> {
    const { hooks, serverHook } = this.#service;
    for (let next = hooks.next(id); next && !this.#ended; next = hooks.next(id)) {
      const hook = id === serverHook?.id ? serverHook : hooks.get(id);
      if (!hook) hooks.tried(next.id, { state: "failed", status: null, said: "no such hook" });
      else await this.#deliver(hook, next);
    }
  }

  get #ended(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #deliver(hook: HookRow, delivery: Delivery): Promise<void> {
    const { status, said } = await this.#send(hook, delivery);
    if (this.#ended) return;
    const delivered = status !== null && status < 300;
    const final = (status !== null && status < 500) || delivery.attempts + 1 >= ATTEMPTS;
    const state = delivered ? "delivered" : final ? "failed" : "pending";
    this.#service.hooks.tried(delivery.id, { state, status, said });
    if (state !== "pending") return;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** delivery.attempts, LONGEST_PAUSE_MS);
    await sleep(pause, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }

  async #send(
    { id, url, secret }: HookRow,
    { body, event, guid }: Delivery,
  ): Promise<{ status: number | null; said: string | null }> {
    const headers: Record<string, string> = {
      "content-type": "application/json",
      "user-agent": "GitHub-Hookshot/local",
      "x-github-delivery": guid,
      "x-github-event": event,
      "x-github-hook-id": String(id),
    };
    if (secret) headers["x-hub-signature-256"] = signature(secret, body);
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const response = await fetch(url, {
        method: "POST",
        headers,
        body,
        signal,
        redirect: "manual",
      });
      await response.body?.cancel();
      return { status: response.status, said: response.statusText };
    } catch (error) {
      return { status: null, said: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
export function signature(secret: string, body: string): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}
