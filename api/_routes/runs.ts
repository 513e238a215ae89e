import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { checkRefined } from "#lib/artifacts/refined.ts";
import { approvalsOfRun } from "#lib/data/approvals.server.ts";
import { readRunAudit } from "#lib/data/audit.server.ts";
import { effectsOfRun } from "#lib/data/effect-lists.server.ts";
import { getProject } from "#lib/data/projects.server.ts";
import { listSteps } from "#lib/data/run-steps.server.ts";
import { listRuns, ownRun } from "#lib/data/runs.server.ts";
import { listJobs } from "#lib/data/sandbox-jobs.server.ts";
import { id, note } from "#lib/events/catalogue/fields.ts";
import { runCancelRequested, runRequested } from "#lib/events/catalogue/runs.ts";
import { event } from "#lib/events/emit.ts";
import { newId } from "#lib/ids.ts";
import { checkInput } from "#lib/runs/input.ts";
import { Approval, view } from "./approvals.ts";
import {
  type AppEnv,
  forOwners,
  forOwnersWithJson,
  instant,
  json,
  ProjectParams,
  paged,
  projectList,
  shown,
  wake,
} from "./common.ts";
import { Effect } from "./effects.ts";
import { problems } from "./problem.ts";
import { Sent } from "./said.ts";

const Run = z
  .object({
    id: z.string(),
    projectId: z.string(),
    kind: z.enum(["research", "implementation"]),
    mode: z.enum(["apply", "plan"]),
    status: z.enum([
      ...["created", "running", "waiting_approval", "waiting_external"],
      ...["succeeded", "failed", "canceled"],
    ] as const),
    input: z.record(z.string(), z.unknown()),
    requestedBy: z.string(),
    attempt: z.int().describe("1, and one more for each time it was resumed"),
    error: z.string().nullable(),
    remediation: z.string().nullable().describe("What a person can do about the error"),
    result: z.record(z.string(), z.unknown()).nullable(),
    inngestRunId: z.string().nullable(),
    createdAt: instant,
    startedAt: instant.nullable(),
    endedAt: instant.nullable(),
    updatedAt: instant,
  })
  .openapi("Run");

const Step = z
  .object({
    stepId: z.string(),
    kind: z.string(),
    status: z.enum(["running", "succeeded", "failed"]),
    attempt: z.int(),
    inputs: z.unknown(),
    outputs: z.unknown().describe("Null also when it is too large for a row"),
    error: z.string().nullable(),
    startedAt: instant,
    endedAt: instant.nullable(),
  })
  .openapi("Step");

const Happened = z
  .object({
    seq: z.int().describe("Place in the project's audit chain"),
    recordedAt: instant,
    actor: z.string(),
    action: z.string(),
    subject: z.string().describe("Id of the run, approval or effect"),
    payload: z.record(z.string(), z.unknown()),
  })
  .openapi("Happened");

const Job = z
  .object({
    id: z.string(),
    jobType: z.string(),
    status: z.enum(["queued", "running", "succeeded", "failed", "canceled"]),
    exitCode: z.int().nullable(),
    isolation: z.string().nullable().describe("What kept its commands from the host"),
    tail: z.string().nullable().describe("The redacted end of what it said"),
    startedAt: instant.nullable(),
    endedAt: instant.nullable(),
  })
  .openapi("SandboxJob");

const RunDetail = Run.extend({
  steps: z.array(Step),
  jobs: z.array(Job).describe("What was run in sandboxes, oldest first"),
  approvals: z.array(Approval),
  effects: z.array(Effect).describe("In the plan's order"),
  timeline: z.array(Happened).describe("All that the audit chain says about it, in order"),
}).openapi("RunDetail");

/** What a job's row says of it without being asked for by every query. */
function said({ isolation, tail }: Record<string, unknown>) {
  return {
    isolation: typeof isolation === "string" ? isolation : null,
    tail: typeof tail === "string" ? tail : null,
  };
}

const NewRun = z
  .strictObject({
    kind: runRequested.schema.shape.kind,
    input: z.record(z.string(), z.unknown()).describe("What it works on, by its kind"),
    mode: runRequested.schema.shape.mode.describe("`plan` stops before the first effect"),
    runId: id.optional().describe("Of a run that failed: it goes on from where it stopped"),
  })
  .openapi("NewRun");

const params = z.object({ runId: id });

const list = projectList("runs", "A project's runs, newest first", Run);

const create = createRoute({
  ...forOwnersWithJson,
  method: "post",
  path: "/projects/{projectId}/runs",
  summary: "Ask for a run, or for one that failed to go on",
  request: { params: ProjectParams, body: { required: true, content: json(NewRun) } },
  responses: {
    202: { description: "Asked for", content: json(Sent.extend({ runId: z.string() })) },
    ...problems(400, 401, 404, 413, 415, 422, 503),
  },
});

const read = createRoute({
  ...forOwners,
  method: "get",
  path: "/runs/{runId}",
  summary: "One run with its steps, approvals, effects and timeline",
  request: { params },
  responses: {
    200: { description: "The run", content: json(RunDetail) },
    ...problems(401, 404, 422),
  },
});

const cancel = createRoute({
  ...forOwnersWithJson,
  method: "post",
  path: "/runs/{runId}/cancel",
  summary: "End a run: nothing of it that has not been sent will be",
  request: {
    params,
    body: { required: true, content: json(z.strictObject({ reason: note.min(1) })) },
  },
  responses: {
    202: { description: "Asked for", content: json(Sent) },
    ...problems(400, 401, 404, 413, 415, 422, 503),
  },
});

export const runRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const page = await listRuns({ projectId, ...c.req.valid("query") });
    return c.json(
      paged(page, (row) => shown(Run, row)),
      200,
    );
  })
  .openapi(create, async (c) => {
    const { projectId } = c.req.valid("param");
    const { runId = newId("run"), ...asked } = c.req.valid("json");
    const { userId: requestedBy, requestId } = c.var;
    await getProject({ id: projectId, ownerUserId: requestedBy });
    const input = checkInput(asked.kind, asked.input);
    if (asked.kind === "research") await checkRefined({ projectId, input: asked.input });
    // The occasion: what was asked for once may rightly be asked for again, after it failed.
    const asking = event(
      runRequested,
      { projectId, ...asked, input, requestedBy, runId },
      requestId,
    );
    await wake(asking);
    c.header("location", `/api/runs/${runId}`);
    return c.json({ eventId: asking.id, runId }, 202);
  })
  .openapi(read, async (c) => {
    const { runId } = c.req.valid("param");
    const run = await ownRun({ id: runId, ownerUserId: c.var.userId });
    const { projectId } = run;
    const [steps, jobs, approvals, effects, timeline] = await Promise.all([
      listSteps({ runId }),
      listJobs({ runId }),
      approvalsOfRun({ runId }),
      effectsOfRun({ runId }),
      readRunAudit({ projectId, runId }),
    ]);
    return c.json(
      {
        ...shown(Run, run),
        steps: steps.map((row) => shown(Step, row)),
        jobs: jobs.map((row) => shown(Job, { ...row, ...said(row.metadata) })),
        approvals: approvals.map(view),
        effects: effects.map((row) => shown(Effect, row)),
        timeline: timeline.map((entry) => shown(Happened, entry)),
      },
      200,
    );
  })
  .openapi(cancel, async (c) => {
    const { runId } = c.req.valid("param");
    const { reason } = c.req.valid("json");
    const { userId: by, requestId } = c.var;
    const { projectId } = await ownRun({ id: runId, ownerUserId: by });
    const stop = event(runCancelRequested, { projectId, runId, by, reason }, requestId);
    await wake(stop);
    return c.json({ eventId: stop.id }, 202);
  });
