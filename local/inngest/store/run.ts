import type { Slot } from "../scheduler.ts";

export type RunStatus = "Running" | "Completed" | "Failed" | "Cancelled";

export interface Run {
  readonly id: string;
  readonly functionId: string;
  /** Our id of the event that triggered it. */
  readonly eventId: string;
  /** Our ids of all its events: more than one for a batch. */
  readonly eventIds: readonly string[];
  readonly status: RunStatus;
  /** The invoke steps that wait for this run: the ids of their pauses. */
  readonly correlationIds: readonly string[];
  /** Its concurrency limits as they were at its start. */
  readonly slots: readonly Slot[];
  /** Seconds by which it goes before other runs that wait for the same room. */
  readonly priority: number;
  /** Execution version that the SDK chose; -1 before its first answer. */
  readonly version: number;
  /** Bytes of all step results. */
  readonly stateBytes: number;
  /** Steps that have a result. */
  readonly stepCount: number;
  /** JSON of the result or of the error. */
  readonly output: string | null;
  readonly createdAt: number;
  /** When its first call was made; only kept where a time limit asks for it. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** A run as the database has it. */
export interface RunRow {
  readonly id: string;
  readonly function_id: string;
  readonly event_id: string;
  readonly events: string;
  readonly status: RunStatus;
  readonly correlation_id: string | null;
  readonly slots: string;
  readonly priority: number;
  readonly version: number;
  readonly state_bytes: number;
  readonly step_count: number;
  readonly output: string | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
}

export interface StepRow {
  readonly step_id: string;
  readonly op: string;
  readonly name: string;
  /** JSON of what stands in `steps[id]`. */
  readonly result: string;
  readonly attempts: number;
  readonly created_at: number;
}

/** What a run starts with. */
export type NewRun = Pick<
  Run,
  "id" | "functionId" | "eventId" | "eventIds" | "correlationIds" | "slots" | "priority"
> & { readonly singleton: string | null };

/** A run from its row. */
export function toRun(row: RunRow): Run {
  return {
    id: row.id,
    functionId: row.function_id,
    eventId: row.event_id,
    eventIds: JSON.parse(row.events) as string[],
    status: row.status,
    correlationIds: row.correlation_id?.split(" ") ?? [],
    slots: JSON.parse(row.slots) as Slot[],
    priority: row.priority,
    version: row.version,
    stateBytes: row.state_bytes,
    stepCount: row.step_count,
    output: row.output,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}
