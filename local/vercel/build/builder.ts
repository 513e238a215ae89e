import { errorMessage } from "../../../lib/errors.ts";
import type { Service } from "../service.ts";
import type { DeploymentRow } from "../store/deployments.ts";
import { build } from "./build.ts";
import { BuildFailed } from "./failed.ts";

const CONCURRENT = 2;

/** Builds what is queued, oldest first. What runs when the process dies is built again by the next one. */
export class Builder {
  readonly #service: Service;
  readonly #running = new Map<string, { stop: AbortController; done: Promise<void> }>();
  #stopped = false;

  constructor(service: Service) {
    this.#service = service;
  }

  /** Looks at what is queued; returns at once. */
  wake(): void {
    const { holds, deployments } = this.#service;
    if (this.#stopped || holds.has("builds")) return;
    for (const row of deployments.queued(CONCURRENT * 2)) {
      if (this.#running.size >= CONCURRENT) return;
      if (this.#running.has(row.id)) continue;
      const stop = new AbortController();
      const done = this.#build(row, stop.signal)
        .catch((error) => console.error("vercel build:", error))
        .finally(() => {
          this.#running.delete(row.id);
          this.wake();
        });
      this.#running.set(row.id, { stop, done });
    }
  }

  /** Ends a build whose deployment has been canceled or removed. */
  async end(id: string): Promise<void> {
    const running = this.#running.get(id);
    running?.stop.abort();
    await running?.done;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#running.keys()].map((id) => this.end(id)));
  }

  async #build(deployment: DeploymentRow, signal: AbortSignal): Promise<void> {
    const service = this.#service;
    const { id } = deployment;
    if (!service.deployments.move(id, ["QUEUED"], "BUILDING")) return;
    try {
      await build({
        ...{ deployment, signal, ...service.sourceOf(deployment) },
        variables: service.variablesOf(deployment),
        site: service.siteOf(id),
        fault: service.faults.takeBuild(),
        timeoutMs: service.options.buildTimeoutMs,
        say: (type, text) => service.deployments.say(id, type, text),
      });
    } catch (error) {
      // It goes on with the next process, or was canceled, which is written already.
      if (signal.aborted) return;
      const code = error instanceof BuildFailed ? error.code : "internal_error";
      if (!(error instanceof BuildFailed)) console.error("vercel build:", errorMessage(error));
      service.failed(id, { code, message: errorMessage(error) });
      return;
    }
    service.ready(id);
  }
}
