import { OpenAPIHono } from "@hono/zod-openapi";
import { secureHeaders } from "hono/secure-headers";
import { approvalRoutes } from "./_routes/approvals.ts";
import { artifactRoutes } from "./_routes/artifacts.ts";
import { auditRoutes } from "./_routes/audit.ts";
import { bundleRoutes } from "./_routes/bundle.ts";
import type { AppEnv } from "./_routes/common.ts";
import { deliveryRoutes } from "./_routes/delivery.ts";
import { effectRoutes } from "./_routes/effects.ts";
import { eventRoutes } from "./_routes/events.ts";
import { exportRoutes } from "./_routes/export.ts";
import { fileRoutes } from "./_routes/files.ts";
import { healthRoutes } from "./_routes/health.ts";
import { jobRoutes } from "./_routes/jobs.ts";
import { namedRequests } from "./_routes/named.ts";
import { policyRoutes } from "./_routes/policy.ts";
import { noSuchRoute, problemOf, refuseInvalid } from "./_routes/problem.ts";
import { projectRoutes } from "./_routes/projects.ts";
import { repoRoutes } from "./_routes/repos.ts";
import { runRoutes } from "./_routes/runs.ts";
import { searchRoutes } from "./_routes/search.ts";
import { skillRoutes } from "./_routes/skills.ts";
import { threadRoutes } from "./_routes/threads.ts";
import { webhookRoutes } from "./_routes/webhooks.ts";

/** The HTTP edge: everything under /api but Inngest's own entry. GET /api/openapi.json describes it. */
export const app = new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid });

app.onError(problemOf);
app.notFound(noSuchRoute);
app.use(...namedRequests, secureHeaders());

const ROUTES = [
  ...[projectRoutes, fileRoutes, searchRoutes, eventRoutes, healthRoutes],
  ...[runRoutes, jobRoutes, approvalRoutes, effectRoutes, policyRoutes, auditRoutes],
  ...[artifactRoutes, exportRoutes, bundleRoutes],
  ...[threadRoutes, skillRoutes],
  ...[repoRoutes, webhookRoutes, deliveryRoutes],
];
for (const routes of ROUTES) {
  app.route("/api", routes);
}

app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
  type: "http",
  scheme: "bearer",
  bearerFormat: "JWT",
});
app.openAPIRegistry.registerComponent("securitySchemes", "githubSignature", {
  type: "apiKey",
  in: "header",
  name: "x-hub-signature-256",
});
app.doc31("/api/openapi.json", {
  openapi: "3.1.0",
  info: {
    title: "Countersign",
    version: "1",
    description: "Errors are RFC 9457 problem documents; lists are read by `nextCursor`.",
  },
});

/** What Vercel calls. */
export default { fetch: app.fetch };
