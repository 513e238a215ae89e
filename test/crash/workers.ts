import { fileURLToPath } from "node:url";
import { type PartProcess, startPartProcess } from "#local/process.ts";
import type { Boundaries, Crossing, When } from "./boundaries.ts";
import { type Call, type CallWatch, type HttpGate, startHttpGate } from "./http-gate.ts";
import type { PgProxy } from "./pg-proxy.ts";
import type { Target } from "./targets/target.ts";

const APP = fileURLToPath(new URL("../../local/app/main.ts", import.meta.url));

export interface WorkerOptions {
  readonly dir: string;
  /** Directory of the bundle that the apps run; absent: the sources. */
  readonly bundle: string | undefined;
  /** What all apps of the lane share; the addresses of what is watched are each one's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly targets: readonly Target[];
  readonly inngestUrl: string;
  readonly pg: () => PgProxy;
  readonly boundaries: Boundaries;
  readonly onLine: (line: string) => void;
}

/** One app process with gates of its own on its ways to the targets and to Inngest. */
export interface Worker {
  readonly name: string;
  readonly url: string;
}

/** The app processes of a lane: one that is called, and one that stands by. */
export class Workers {
  readonly #options: WorkerOptions;
  #count = 0;
  #current: Promise<Worker>;
  #standby: Promise<Worker>;
  /** Those that ended by themselves, which none should. */
  readonly crashed: string[] = [];
  readonly #alive = new Map<string, { process: PartProcess; gates: HttpGate[] }>();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#current = this.#start();
    this.#standby = this.#start();
  }

  /** The one that Inngest's calls go to; waits until it is up. */
  current(): Promise<Worker> {
    return this.#current;
  }

  /** Waits until both are up, so that a cell does not begin with a machine that is busy starting. */
  async ready(): Promise<void> {
    await Promise.all([this.#current, this.#standby]);
  }

  /** From now on the other one is called. */
  swap(): void {
    [this.#current, this.#standby] = [this.#standby, this.#current];
  }

  /** SIGKILL, at once. The other one is called from now on, and a new one will stand by. */
  kill(name: string): void {
    const entry = this.#alive.get(name);
    if (!entry) return;
    this.#end(name);
    entry.process.child.kill("SIGKILL");
    this.#options.pg().cut(name);
    this.#current = this.#standby;
    this.#standby = this.#start();
    // Awaited by whoever needs it; until then a failure is nobody's.
    this.#standby.catch(() => {});
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#current, this.#standby]);
    const processes = [...this.#alive].map(([name, { process }]) => {
      this.#end(name);
      return process.kill();
    });
    await Promise.all(processes);
  }

  #end(name: string): void {
    for (const gate of this.#alive.get(name)?.gates ?? []) void gate.close();
    this.#alive.delete(name);
  }

  async #start(): Promise<Worker> {
    const { dir, bundle, env, targets, inngestUrl, pg, onLine } = this.#options;
    const name = `w${++this.#count}`;
    const inngest = await startHttpGate(() => inngestUrl, this.#watch(name, inngestLabel));
    const gates = [inngest];
    const ways: Record<string, string> = {};
    // Several targets can be at one address.
    for (const target of new Map(targets.map((one) => [one.url, one])).values()) {
      const gate = await startHttpGate(() => target.url, this.#watch(name, target.label));
      gates.push(gate);
      Object.assign(ways, target.env(gate.url));
    }
    const process = await startPartProcess(APP, {
      dir,
      args: bundle ? ["--bundle", bundle] : [],
      env: {
        ...env,
        NEON_WS_PROXY: `${pg().host}/${name}`,
        ...ways,
        INNGEST_DEV: inngest.url,
      },
      onLine: (line) => onLine(`${name} ${line}`),
    });
    this.#alive.set(name, { process, gates });
    process.child.once("exit", () => {
      if (!this.#alive.has(name)) return;
      this.crashed.push(name);
      this.kill(name);
    });
    return { name, url: process.url };
  }

  #watch(worker: string, label: (call: Call) => string | undefined): CallWatch {
    return watchCalls((call) => {
      const named = label(call);
      return named === undefined ? undefined : this.#options.boundaries.cross(named, worker);
    });
  }
}

/** A watch that makes crossings of the calls that `cross` gives one for. */
export function watchCalls(cross: (call: Call) => Crossing | undefined): CallWatch {
  const crossings = new WeakMap<Call, Crossing>();
  return {
    before(call) {
      const crossing = cross(call);
      if (crossing) crossings.set(call, crossing);
      return crossing?.before() ?? true;
    },
    after: (call) => crossings.get(call)?.after() ?? true,
  };
}

function inngestLabel({ path, body }: Call): string | undefined {
  if (path.startsWith("/e/")) return `emit ${eventNames(body)}`;
  return path.startsWith("/v1/checkpoint") ? checkpointLabel(JSON.parse(body)) : undefined;
}

function checkpointLabel({ fn_id, steps }: Checkpoint): string | undefined {
  if (isClocked(fn_id)) return undefined;
  return `checkpoint ${steps.map(({ displayName, id }) => displayName ?? id).join(", ")}`;
}

interface Checkpoint {
  readonly fn_id: string;
  readonly steps: readonly { readonly displayName?: string; readonly id: string }[];
}

/** Whether a function is woken by a clock: what it does belongs to no run, and one that goes through may see it or not. */
export function isClocked(functionId: string): boolean {
  return /-(?:sweep-\w+|checkpoint-audit)$/.test(functionId);
}

function eventNames(body: string): string {
  const events = [JSON.parse(body)].flat() as { name: string }[];
  return [...new Set(events.map(({ name }) => name))].join(", ");
}

/** The app's answers to Inngest: only that they are lost can be staged, since before them nothing is pending. */
export const REPLY: readonly When[] = ["after"];
