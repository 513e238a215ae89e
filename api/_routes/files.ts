import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { deleteFile, getFile, listFiles } from "#lib/data/files.server.ts";
import { getProject } from "#lib/data/projects.server.ts";
import { errorMessage } from "#lib/errors.ts";
import { fileRemoved, fileUploaded } from "#lib/events/catalogue/files.ts";
import { event, type OutgoingEvent } from "#lib/events/emit.ts";
import { log } from "#lib/log.ts";
import {
  type AppEnv,
  FileParams,
  forOwners,
  instant,
  json,
  Name,
  ProjectParams,
  paged,
  projectList,
  shown,
  wake,
} from "./common.ts";
import { problems, rootCause } from "./problem.ts";
import { storeUpload, uploadOf } from "./upload.ts";

const File = z
  .object({
    id: z.string(),
    projectId: z.string(),
    name: z.string(),
    aliases: z.array(z.string()).describe("Other names under which the same bytes came"),
    title: z.string().nullable(),
    mimeType: z.string(),
    format: z.string().nullable(),
    sizeBytes: z.int().nullable(),
    sha256: z.string().nullable(),
    sourceUrl: z.string().nullable(),
    status: z.enum(["pending", "uploaded", "ingesting", "ingested", "rejected"]),
    pageCount: z.int().nullable(),
    chunkCount: z.int().nullable(),
    rejectCode: z.string().nullable(),
    rejectReason: z.string().nullable(),
    ingestedAt: instant.nullable(),
    createdAt: instant,
    updatedAt: instant,
  })
  .openapi("File");

const binary = { schema: { type: "string", format: "binary" } } as const;

const upload = createRoute({
  ...forOwners,
  method: "post",
  path: "/projects/{projectId}/files",
  summary: "Add a file: the bytes as the body, or a form with one file; at most 100 MB",
  request: {
    params: ProjectParams,
    query: z.object({ name: Name.optional().describe("Name of the file") }),
    headers: z.object({
      "x-file-name": z.string().max(1000).optional().describe("The name, percent-encoded UTF-8"),
    }),
    // Plain schemas: a zod schema here would have the form parsed, and buffered, before the handler runs.
    body: {
      required: true,
      content: {
        "*/*": binary,
        "multipart/form-data": {
          schema: { type: "object", required: ["file"], properties: { file: binary.schema } },
        },
      },
    },
  },
  responses: {
    201: { description: "Stored; ingestion begins", content: json(File) },
    200: { description: "The project has the same bytes already", content: json(File) },
    ...problems(401, 404, 413, 422, 503),
  },
});

const list = projectList("files", "A project's files, newest first", File);

const read = createRoute({
  ...forOwners,
  method: "get",
  path: "/projects/{projectId}/files/{fileId}",
  summary: "One file, with how far its ingestion is",
  request: { params: FileParams },
  responses: {
    200: { description: "The file", content: json(File) },
    ...problems(401, 404, 422),
  },
});

const remove = createRoute({
  ...forOwners,
  method: "delete",
  path: "/projects/{projectId}/files/{fileId}",
  summary: "Remove a file with its chunks, vectors and bytes",
  request: { params: FileParams },
  responses: {
    202: { description: "Not found any more; what was made from it is being removed" },
    ...problems(401, 404, 422),
  },
});

export const fileRoutes = new OpenAPIHono<AppEnv>()
  .openapi(upload, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const body = await uploadOf(c.req.raw, c.req.valid("query").name);
    const { file, created } = await storeUpload(projectId, body);
    // The same bytes again are a request to look at them again, which the first event's id would have dropped.
    const occasion = created ? "" : c.var.requestId;
    await announce(event(fileUploaded, { projectId, fileId: file.id }, occasion));
    c.header("location", `/api/projects/${projectId}/files/${file.id}`);
    return created ? c.json(shown(File, file), 201) : c.json(shown(File, file), 200);
  })
  .openapi(list, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const page = await listFiles({ projectId, ...c.req.valid("query") });
    return c.json(
      paged(page, (row) => shown(File, row)),
      200,
    );
  })
  .openapi(read, async (c) => {
    const { projectId, fileId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    return c.json(shown(File, await getFile({ projectId, fileId })), 200);
  })
  .openapi(remove, async (c) => {
    const { projectId, fileId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    await getFile({ projectId, fileId });
    // Before the answer: the same bytes may be sent again right after it, and are a new file then.
    await deleteFile({ projectId, fileId });
    const removal = { projectId, fileId, by: c.var.userId };
    await announce(event(fileRemoved, removal, c.var.requestId));
    return c.body(null, 202);
  });

/** The rows say what is to be done and a sweeper finds them: late is better than a client that does all of it again. */
async function announce(happened: OutgoingEvent): Promise<void> {
  try {
    await wake(happened);
  } catch (error) {
    const cause = errorMessage(rootCause(error));
    log.warn("event not sent", { name: happened.name, ...happened.data, error: cause });
  }
}
