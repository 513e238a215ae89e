import { OpenAPIHono, z } from "@hono/zod-openapi";
import { getProject } from "#lib/data/projects.server.ts";
import { listRepos } from "#lib/data/repos.server.ts";
import { indexState } from "#lib/repos/state.ts";
import { type AppEnv, instant, paged, projectList, shown } from "./common.ts";

const Repo = z
  .object({
    id: z.string(),
    projectId: z.string(),
    provider: z.enum(["github"]),
    owner: z.string(),
    name: z.string(),
    defaultBranch: z.string(),
    htmlUrl: z.string(),
    cloneUrl: z.string(),
    index: z
      .object({
        state: z.enum(["none", "indexing", "indexed", "failed"]),
        commitSha: z.string().nullable().describe("What a search finds; null before the first"),
        indexingCommit: z.string().nullable().describe("What it is about to find"),
        at: instant.nullable(),
        error: z.string().nullable().describe("Why the newest commit is not indexed"),
        files: z.int(),
        chunks: z.int(),
        skipped: z.record(z.string(), z.int()).describe("Files that are not searched, by reason"),
      })
      .describe("The code index of the default branch"),
    createdAt: instant,
    updatedAt: instant,
  })
  .openapi("Repo");

const list = projectList("repos", "A project's repositories, newest first", Repo);

export const repoRoutes = new OpenAPIHono<AppEnv>().openapi(list, async (c) => {
  const { projectId } = c.req.valid("param");
  await getProject({ id: projectId, ownerUserId: c.var.userId });
  const page = await listRepos({ projectId, ...c.req.valid("query") });
  return c.json(
    paged(page, (row) => shown(Repo, { ...row, index: indexState(row) })),
    200,
  );
});
