import { OpenAPIHono, z } from "@hono/zod-openapi";
import { listDeployments } from "#lib/data/deployments.server.ts";
import { listFindings } from "#lib/data/findings.server.ts";
import { listInfra } from "#lib/data/infra.server.ts";
import { getProject } from "#lib/data/projects.server.ts";
import { type AppEnv, instant, paged, projectList, shown } from "./common.ts";

const metadata = z.record(z.string(), z.unknown()).describe("Never a secret");

const Resource = z
  .object({
    id: z.string(),
    projectId: z.string(),
    runId: z.string().nullable(),
    provider: z.enum(["neon", "upstash", "vercel"]),
    resourceType: z.string(),
    externalId: z.string(),
    region: z.string().nullable(),
    metadata,
    createdAt: instant,
    updatedAt: instant,
  })
  .openapi("Resource");

const Deployment = z
  .object({
    id: z.string(),
    projectId: z.string(),
    runId: z.string(),
    provider: z.enum(["vercel"]),
    vercelProjectId: z.string(),
    vercelDeploymentId: z.string(),
    deploymentUrl: z.string(),
    status: z.enum(["queued", "building", "ready", "error", "canceled"]),
    startedAt: instant,
    endedAt: instant.nullable(),
    metadata,
  })
  .openapi("Deployment");

const Finding = z
  .object({
    id: z.string(),
    projectId: z.string(),
    effectId: z.string().describe("What was brought about, and is no longer so"),
    detail: z.string(),
    createdAt: instant,
    lastSeenAt: instant,
    goneAt: instant.nullable().describe("When it was seen to be so again"),
  })
  .openapi("Finding");

const resources = projectList("resources", "Resources of a project, newest first", Resource);
const deployments = projectList(
  "deployments",
  "Deployments of a project, newest first",
  Deployment,
);
const findings = projectList(
  "findings",
  "What effects of a project and the outside no longer agree on, newest first",
  Finding,
);

export const deliveryRoutes = new OpenAPIHono<AppEnv>()
  .openapi(resources, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const page = await listInfra({ projectId, ...c.req.valid("query") });
    return c.json(
      paged(page, (row) => shown(Resource, row)),
      200,
    );
  })
  .openapi(deployments, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const page = await listDeployments({ projectId, ...c.req.valid("query") });
    return c.json(
      paged(page, (row) => shown(Deployment, row)),
      200,
    );
  })
  .openapi(findings, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const page = await listFindings({ projectId, ...c.req.valid("query") });
    return c.json(
      paged(page, (row) => shown(Finding, row)),
      200,
    );
  });
