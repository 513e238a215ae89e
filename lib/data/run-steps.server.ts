import { and, asc, eq, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { prepared } from "#db/prepared.ts";
import { runSteps, runs } from "#db/schema.ts";
import { newId } from "../ids.ts";
import { redactJson, redactText } from "../redact.ts";
import { ENDED } from "./runs.server.ts";

export type RunStep = typeof runSteps.$inferSelect;

/** Which step of which run, and on behalf of which run of the engine. */
export interface StepKey {
  readonly runId: string;
  readonly inngestRunId: string;
  /** Unique in the run, stable over repeats: `<phase>/<step>`. */
  readonly stepId: string;
}

const ENDED_LIST = sql.join(
  ENDED.map((status) => sql`${status}`),
  sql`, `,
);
const value = sql.placeholder;

type Begun = Pick<RunStep, "status" | "outputs" | "outputRef" | "attempt">;

const begin = prepared<Begun>(
  "begin-step",
  sql`
    with live as (
      select id, updated_at < now() - interval '1 minute' as quiet from ${runs}
      where id = ${value("runId")} and inngest_run_id = ${value("inngestRunId")}
        and status not in (${ENDED_LIST})
      for key share),
    touched as (
      update ${runs} set updated_at = now() where id in (select id from live where quiet))
    insert into ${runSteps} as s (id, run_id, step_id, step_name, kind, inputs)
    select ${value("id")}, id, ${value("stepId")}, ${value("stepName")}, ${value("kind")},
      ${value("inputs")}::jsonb from live
    on conflict (run_id, step_id) do update set
      status = case when s.status = 'succeeded' then s.status else 'running' end,
      ended_at = case when s.status = 'succeeded' then s.ended_at end,
      attempt = case when s.status = 'succeeded' then s.attempt else s.attempt + 1 end,
      error = case when s.status = 'succeeded' then s.error end
    returning status, outputs, output_ref as "outputRef", attempt`,
);

const end = prepared<Pick<RunStep, "id">>(
  "end-step",
  sql`
    update ${runSteps} set ended_at = now(), status = ${value("status")}, error = ${value("error")},
      outputs = ${value("outputs")}::jsonb, output_ref = ${value("outputRef")}
    where run_id = ${value("runId")} and step_id = ${value("stepId")} and status <> 'succeeded'
    returning id`,
);

/**
 * Says that a step begins, in one statement: touches the run once a minute (a sweeper tells by that whether anybody works on
 * it; more often would cost as much as the step's own row) and writes the step, or counts its next attempt. A step that has succeeded is left as it is; so is everything when the run
 * has ended or belongs to another run of the engine: then null is returned.
 */
export async function beginStep(
  step: StepKey & { stepName: string; kind: string; inputs?: unknown },
): Promise<Begun | null> {
  const inputs = JSON.stringify(redactJson(step.inputs ?? null));
  const [begun] = await begin(db(), { ...step, id: newId("step"), inputs });
  return begun ?? null;
}

/**
 * Says how a step ended: its output, or where a large one is, or its error. One that has succeeded stays so: false when that was
 * another try of it, whose output counts.
 */
export async function endStep(
  { runId, stepId }: Pick<StepKey, "runId" | "stepId">,
  outcome: { outputs: unknown } | { outputRef: string } | { error: string },
): Promise<boolean> {
  const ended = await end(db(), {
    ...{ runId, stepId, outputs: null, outputRef: null, error: null, status: "succeeded" },
    ...("outputs" in outcome && { outputs: JSON.stringify(outcome.outputs) }),
    ...("outputRef" in outcome && outcome),
    ...("error" in outcome && { status: "failed", error: redactText(outcome.error) }),
  });
  return ended.length > 0;
}

/** Says that a step was done after its run had ended; one that has succeeded stays as it is. */
export async function recordDone(
  step: Pick<RunStep, "runId" | "stepId" | "stepName" | "kind" | "outputs">,
  executor: Executor = db(),
): Promise<void> {
  const { stepId, stepName, kind, runId, outputs } = step;
  const done = { status: "succeeded" as const, endedAt: sql`now()`, error: null, outputs };
  await executor
    .insert(runSteps)
    .values({ id: newId("step"), runId, stepId, stepName, kind, ...done })
    .onConflictDoUpdate({
      target: [runSteps.runId, runSteps.stepId],
      set: done,
      setWhere: sql`${runSteps.status} <> 'succeeded'`,
    });
}

/** What a step that has succeeded came to, or where that is; null when it has not. */
export async function succeededStep(
  { runId, stepId }: Pick<StepKey, "runId" | "stepId">,
  executor: Executor = db(),
): Promise<Pick<RunStep, "outputs" | "outputRef"> | null> {
  const [row] = await executor
    .select({ outputs: runSteps.outputs, outputRef: runSteps.outputRef })
    .from(runSteps)
    .where(
      and(eq(runSteps.runId, runId), eq(runSteps.stepId, stepId), eq(runSteps.status, "succeeded")),
    );
  return row ?? null;
}

/** A run's steps in the order in which they began; at most 1,000, which is the most that a run can have. */
export async function listSteps(
  { runId }: { runId: string },
  executor: Executor = db(),
): Promise<RunStep[]> {
  return await executor
    .select()
    .from(runSteps)
    .where(eq(runSteps.runId, runId))
    .orderBy(asc(runSteps.startedAt), asc(runSteps.id))
    .limit(1000);
}
