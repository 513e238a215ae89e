import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { getProject } from "#lib/data/projects.server.ts";
import { id } from "#lib/events/catalogue/fields.ts";
import { SEARCH_TYPES, search } from "#lib/retrieval/search.ts";
import { type AppEnv, forOwners } from "./common.ts";
import { problems } from "./problem.ts";

const types = z
  .string()
  .default(SEARCH_TYPES.join(","))
  .describe("Comma list of chunk, artifact, code")
  .transform((list) => [...new Set(list.split(",").map((type) => type.trim()))])
  .pipe(z.array(z.enum(SEARCH_TYPES)).min(1));

const found = {
  score: z.number().describe("Higher is better; says something within one answer only"),
  text: z.string(),
};
const page = z.int().nullable().describe("From 1; null where the format has no pages");
const Hit = z
  .discriminatedUnion("type", [
    z.object({
      type: z.literal("chunk"),
      ...found,
      chunkId: z.string(),
      fileId: z.string(),
      file: z.string(),
      pageStart: page,
      pageEnd: page,
      heading: z.string().describe("`title > heading > subheading`"),
    }),
    z.object({
      type: z.literal("artifact"),
      ...found,
      artifactId: z.string(),
      kind: z.string(),
      key: z.string(),
      version: z.int(),
      stale: z.boolean().describe("Whether a source that it cites has changed since"),
    }),
    z.object({
      type: z.literal("code"),
      ...found,
      repoId: z.string(),
      vectorId: z.string().describe("With repoId it names this passage"),
      path: z.string(),
      language: z.string(),
      commitSha: z.string(),
      lineStart: z.int(),
      lineEnd: z.int(),
    }),
  ])
  .openapi("SearchHit");

const Answer = z
  .object({
    hits: z.array(Hit).describe("Best first"),
    warning: z.string().optional().describe("Set when the answer is worse than usual, and why"),
  })
  .openapi("SearchAnswer");

const find = createRoute({
  ...forOwners,
  method: "get",
  path: "/search",
  summary: "Search a project's documents, artifacts and code",
  request: {
    query: z.object({
      projectId: id,
      q: z
        .string()
        .trim()
        .min(1)
        .max(1000)
        .regex(/^[^\0]*$/, "must not contain NUL"),
      topK: z.coerce.number().int().min(1).max(50).default(10),
      types,
    }),
  },
  responses: {
    200: { description: "The hits", content: { "application/json": { schema: Answer } } },
    ...problems(401, 404, 422, 503),
  },
});

export const searchRoutes = new OpenAPIHono<AppEnv>().openapi(find, async (c) => {
  const { projectId, q: query, topK, types } = c.req.valid("query");
  await getProject({ id: projectId, ownerUserId: c.var.userId });
  const { hits, warning } = await search({ projectId, query, topK, types });
  return c.json({ hits: [...hits], ...(warning !== undefined && { warning }) }, 200);
});
