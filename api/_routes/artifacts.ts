import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { listArtifacts, ownArtifact } from "#lib/data/artifact-lists.server.ts";
import { listCitations } from "#lib/data/citations.server.ts";
import { getProject } from "#lib/data/projects.server.ts";
import { id } from "#lib/events/catalogue/fields.ts";
import { Citation, viewCitation } from "./citations.ts";
import { type AppEnv, forOwners, instant, json, paged, projectList, shown } from "./common.ts";
import { problems } from "./problem.ts";

const Artifact = z
  .object({
    id: z.string(),
    projectId: z.string(),
    runId: z.string().nullable(),
    kind: z.string(),
    logicalKey: z.string(),
    version: z.int().describe("From 1, without gaps for one kind and logicalKey"),
    contentSha256: z.string(),
    stale: z.boolean().describe("Whether a source that it cites has changed since"),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: instant,
  })
  .openapi("Artifact");

const ArtifactDetail = Artifact.extend({
  content: z.string().describe("Markdown"),
  citations: z.array(Citation),
}).openapi("ArtifactDetail");

const list = projectList(
  "artifacts",
  "The latest version of each artifact of a project, newest first",
  Artifact,
);

const read = createRoute({
  ...forOwners,
  method: "get",
  path: "/artifacts/{artifactId}",
  summary: "One version of an artifact with its text and citations",
  request: { params: z.object({ artifactId: id }) },
  responses: {
    200: { description: "The artifact", content: json(ArtifactDetail) },
    ...problems(401, 404, 422),
  },
});

export const artifactRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const page = await listArtifacts({ projectId, ...c.req.valid("query") });
    return c.json(
      paged(page, (row) => shown(Artifact, row)),
      200,
    );
  })
  .openapi(read, async (c) => {
    const { artifactId } = c.req.valid("param");
    const artifact = await ownArtifact({ id: artifactId, ownerUserId: c.var.userId });
    const citations = await listCitations({ artifactId });
    return c.json(
      {
        ...shown(Artifact, artifact),
        content: artifact.content,
        citations: citations.map(viewCitation),
      },
      200,
    );
  });
