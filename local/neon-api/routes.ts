import { randomUUID } from "node:crypto";
import type { HttpBindings } from "@hono/node-server";
import type { Hono } from "hono";
import * as z from "zod";
import {
  type ApiContext,
  ApiFaults,
  apiApp,
  bodyOf,
  faulty,
  type Problem,
  Refused,
  same,
} from "../faulty-api.ts";
import * as bodies from "./bodies.ts";
import type { Projects } from "./projects.ts";
import type { ProjectRow } from "./store.ts";

const API = "/api/v2";
const REGION = "aws-us-east-2";
/** Those that Neon lists. */
const REGIONS = [
  ...["aws-us-east-1", "aws-us-east-2", "aws-us-west-2", "aws-eu-central-1", "aws-eu-west-2"],
  ...["aws-ap-southeast-1", "aws-ap-southeast-2", "aws-sa-east-1"],
  ...["azure-eastus2", "azure-westus3", "azure-gwc"],
];

/** What a creation may say here. Loose: the rest of what Neon takes has no meaning on this machine. */
const newProject = z.object({
  project: z.object({
    name: z.string().min(1).max(64).optional(),
    region_id: z.string().default(REGION),
    org_id: z.string().optional(),
  }),
});

const problem: Problem = (status, message, headers = {}) =>
  Response.json({ request_id: randomUUID(), code: "", message }, { status, headers });

/** The part of Neon's API that README.md lists. */
export function routes(projects: Projects, apiKey: string): Hono<{ Bindings: HttpBindings }> {
  const faults = new ApiFaults(projects.store.db);
  const authorized = (c: ApiContext) => same(c.req.header("authorization"), `Bearer ${apiKey}`);
  const app = apiApp({ name: "neon-api", faults, problem, authorized });
  const struck = (c: ApiContext, work: (readDelayMs: number) => Response | Promise<Response>) =>
    faulty(c, { faults, problem }, work);

  app.get("/_local/projects", async (c) => c.json(await projects.everything()));

  app.get(`${API}/projects`, (c) => struck(c, () => c.json(page(projects, c))));
  app.post(`${API}/projects`, async (c) => {
    const { project } = await bodyOf(c, newProject);
    const { name, region_id: region, org_id: org = null } = project;
    return await struck(c, async (readDelayMs) => {
      if (!REGIONS.includes(region)) throw new Refused(400, `there is no region ${region}`);
      const row = await projects.create({ name, region, org }, readDelayMs);
      return c.json(created(row, projects.cluster.uri(row)), 201);
    });
  });
  app.delete(`${API}/projects/:project`, (c) =>
    struck(c, async () => {
      const row = projects.get(c.req.param("project"));
      await projects.remove(row);
      return c.json({ project: bodies.project(row) });
    }),
  );

  /** What is told of one project. */
  const told = (path: string, tell: (row: ProjectRow, c: ApiContext) => object) =>
    app.get(`${API}/projects/:project${path}`, (c) =>
      struck(c, () => c.json(tell(projects.get(c.req.param("project") ?? ""), c))),
    );
  told("", (row) => ({ project: bodies.project(row) }));
  told("/operations", (row) => ({ operations: bodies.operations(row) }));
  told("/endpoints", (row) => ({ endpoints: [bodies.endpoint(row)] }));
  told("/branches", (row) => ({ branches: [bodies.branch(row)], annotations: {}, pagination: {} }));
  told("/branches/:branch", (row, c) => ({ branch: bodies.branch(onBranch(row, c)) }));
  told("/branches/:branch/databases", (row, c) => ({
    databases: [bodies.database(onBranch(row, c))],
  }));
  told("/branches/:branch/roles", (row, c) => ({ roles: [bodies.role(onBranch(row, c))] }));
  told("/branches/:branch/endpoints", (row, c) => ({
    endpoints: [bodies.endpoint(onBranch(row, c))],
  }));
  told("/connection_uri", (row, c) => {
    const { branch_id = row.branch_id, database_name, role_name } = c.req.query();
    if (branch_id !== row.branch_id) throw new Refused(404, "branch not found");
    if (database_name !== row.database) throw new Refused(404, "database not found");
    if (role_name !== row.role) throw new Refused(404, "role not found");
    return { uri: projects.cluster.uri(row) };
  });
  return app;
}

function onBranch(row: ProjectRow, c: ApiContext): ProjectRow {
  if (c.req.param("branch") !== row.branch_id) throw new Refused(404, "branch not found");
  return row;
}

function page(projects: Projects, c: ApiContext): object {
  const { search = "", cursor = "0", limit: text = "10", org_id: org = null } = c.req.query();
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 400)
    throw new Refused(400, "limit: 1 to 400");
  if (!/^\d{1,15}$/.test(cursor)) throw new Refused(400, "cursor: not one of ours");
  const rows = projects.store.list({ search, org, cursor: Number(cursor), limit });
  const last = rows.at(-1)?.seq ?? Number(cursor);
  return {
    projects: rows.map(bodies.listItem),
    // The last page has one too.
    pagination: { cursor: String(last) },
    ...{ applications: {}, integrations: {} },
  };
}

function created(row: ProjectRow, uri: string): object {
  return {
    project: bodies.project(row),
    connection_uris: [bodies.connection(row, uri)],
    roles: [bodies.role(row, true)],
    databases: [bodies.database(row)],
    operations: bodies.operations(row),
    branch: bodies.branch(row),
    endpoints: [bodies.endpoint(row)],
  };
}
