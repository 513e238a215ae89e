import type { Db } from "#db/client.ts";
import type { Call } from "../http-gate.ts";
import type { Kind } from "../kinds.ts";

/** Something outside that an effect became. */
export interface OutsideObject {
  readonly id: string;
  /** The mark that it carries; null for what leaves nothing to carry one, such as a removal. */
  readonly marker: string | null;
  /** The only kind of effect that it can be of, where its id does not tell. */
  readonly kind?: string;
}

/** What is outside when a run has ended, and what is wrong with it besides how many there are, each in a sentence. */
export interface Left {
  readonly objects: readonly OutsideObject[];
  readonly wrong: readonly string[];
}

/** A way in which the target fails, as its `PUT /_faults` takes it. */
export interface TargetFault {
  readonly fault: string;
  readonly times?: number;
  readonly ms?: number;
  readonly on?: "create" | "read" | "any";
}

/** A run and where it happens. */
export interface Place {
  readonly database: Db;
  readonly projectId: string;
  readonly runId: string;
}

/** A system that runs change, shared by all lanes: each run has a part of it to itself. */
export interface Target {
  readonly url: string;
  /** How many effects a run has, and how many approvals it takes. */
  readonly effects: number;
  readonly approvals: number;
  /** How such a run ends, when all goes as it should. */
  readonly ends: "succeeded" | "failed";
  /** The deadline of a call that brings an effect about, in ms; its lease is twice as long. */
  readonly timeoutMs: number;
  /** What leads an app to it through a gate. */
  env(gateUrl: string): Readonly<Record<string, string>>;
  /** The name of a call as a boundary; undefined for one that is none. */
  label(call: Call): string | undefined;
  /** Makes what the run needs to be there. */
  prepare(place: Place): Promise<void>;
  /** Lets it fail for this run, at the call that brings the kind about unless the fault says otherwise. */
  strike(runId: string, kind: Kind, fault: TargetFault): Promise<void>;
  left(runId: string): Promise<Left>;
  close(): Promise<void>;
}

/** Targets by the name that kinds call them by. */
export type Targets = Readonly<Partial<Record<Kind["target"], Target>>>;

/** Throws Error when the fleet was started without it. */
export function targetOf(targets: Targets, { target }: Pick<Kind, "target">): Target {
  const found = targets[target];
  if (!found) throw new Error(`the fleet has no ${target}`);
  return found;
}

/** Calls of a local part's own routes, as whoever tests against it. Throws Error with what it said. */
export function controls(url: string, authorization: string) {
  return async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok)
      throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : await response.json();
  };
}
