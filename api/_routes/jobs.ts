import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { ownRun } from "#lib/data/runs.server.ts";
import { listJobs, type SandboxJob } from "#lib/data/sandbox-jobs.server.ts";
import { id } from "#lib/events/catalogue/fields.ts";
import { type AppEnv, forOwners, instant, json, shown } from "./common.ts";
import { problems } from "./problem.ts";

const Listed = z
  .object({
    id: z.string(),
    runId: z.string(),
    stepId: z.string().describe("The step that it was done for"),
    jobType: z.string(),
    status: z.enum(["queued", "running", "succeeded", "failed", "canceled"]),
    exitCode: z.int().nullable().describe("Null when it has not ended, or was ended"),
    isolation: z
      .string()
      .nullable()
      .describe(
        "What kept it from the host: microvm, bubblewrap, not isolated; git for what git did",
      ),
    commitSha: z.string().nullable().describe("The commit or tree that it was about"),
    command: z.array(z.string()).nullable(),
    transcriptRef: z
      .string()
      .nullable()
      .describe("Key of the redacted transcript in the blob store"),
    createdAt: instant,
    startedAt: instant.nullable(),
    endedAt: instant.nullable(),
  })
  .openapi("ListedJob");

const list = createRoute({
  ...forOwners,
  method: "get",
  path: "/runs/{runId}/jobs",
  summary: "What a run had done in sandboxes and by git, oldest first, at most 1,000",
  request: { params: z.object({ runId: id }) },
  responses: {
    200: { description: "The jobs", content: json(z.object({ items: z.array(Listed) })) },
    ...problems(401, 404, 422),
  },
});

export const jobRoutes = new OpenAPIHono<AppEnv>().openapi(list, async (c) => {
  const { runId } = c.req.valid("param");
  await ownRun({ id: runId, ownerUserId: c.var.userId });
  return c.json({ items: (await listJobs({ runId })).map(listed) }, 200);
});

/** Without the end of what was said: of all jobs together it would be megabytes. */
function listed({ metadata, transcriptBlobRef: transcriptRef, ...row }: SandboxJob) {
  const { isolation, commitSha, command } = metadata;
  return shown(Listed, {
    ...{ ...row, transcriptRef },
    isolation: textOf(isolation),
    commitSha: textOf(commitSha),
    command: Array.isArray(command) ? command.map(String) : null,
  });
}

const textOf = (value: unknown) => (typeof value === "string" ? value : null);
