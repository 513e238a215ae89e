import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { listApproverKeys } from "#lib/data/policies.server.ts";
import { getProject } from "#lib/data/projects.server.ts";
import { identity } from "#lib/events/catalogue/fields.ts";
import { policyDocument } from "#lib/policy/document.ts";
import { registerKey, revokeKey } from "#lib/policy/keys.ts";
import { currentPolicy, publishPolicy } from "#lib/policy/policy.ts";
import {
  type AppEnv,
  forOwners,
  forOwnersWithJson,
  instant,
  json,
  ProjectParams,
  shown,
} from "./common.ts";
import { problems } from "./problem.ts";

const Policy = z
  .object({
    version: z.int().describe("0: the built-in one, as long as the project has published none"),
    document: policyDocument,
  })
  .openapi("Policy");

const Key = z
  .object({
    id: z.string().describe("First 32 hex digits of SHA-256 over the key's SPKI DER"),
    owner: z.string().describe("The `by` whose decisions it signs"),
    publicKey: z.string(),
    createdBy: z.string(),
    createdAt: instant,
    revokedAt: instant.nullable(),
  })
  .openapi("ApproverKey");

const NewKey = z
  .strictObject({
    publicKey: z.string().max(200).describe("Ed25519, SPKI DER in base64url"),
    owner: identity.optional().describe("Whose it is; the caller's when absent"),
  })
  .openapi("NewApproverKey");

const readPolicy = createRoute({
  ...forOwners,
  method: "get",
  path: "/projects/{projectId}/policy",
  summary: "Who decides what in a project",
  request: { params: ProjectParams },
  responses: {
    200: { description: "The policy as it is now", content: json(Policy) },
    ...problems(401, 404, 422),
  },
});

const writePolicy = createRoute({
  ...forOwnersWithJson,
  method: "put",
  path: "/projects/{projectId}/policy",
  summary:
    "Publish the next version of a project's policy; what was asked for before keeps its rule",
  request: { params: ProjectParams, body: { required: true, content: json(policyDocument) } },
  responses: {
    200: { description: "The policy as it is now", content: json(Policy) },
    ...problems(400, 401, 404, 413, 415, 422),
  },
});

const listKeys = createRoute({
  ...forOwners,
  method: "get",
  path: "/projects/{projectId}/keys",
  summary: "The public keys of a project's approvers, revoked ones too",
  request: { params: ProjectParams },
  responses: {
    200: { description: "All of them", content: json(z.object({ items: z.array(Key) })) },
    ...problems(401, 404, 422),
  },
});

const addKey = createRoute({
  ...forOwnersWithJson,
  method: "post",
  path: "/projects/{projectId}/keys",
  summary: "Register the public key of an approver",
  request: { params: ProjectParams, body: { required: true, content: json(NewKey) } },
  responses: {
    200: { description: "Registered", content: json(Key) },
    ...problems(400, 401, 404, 409, 413, 415, 422),
  },
});

const removeKey = createRoute({
  ...forOwners,
  method: "delete",
  path: "/projects/{projectId}/keys/{keyId}",
  summary: "Revoke a key for good; what it has signed before stays",
  request: {
    params: ProjectParams.extend({ keyId: z.string().regex(/^[0-9a-f]{32}$/, "32 hex digits") }),
  },
  responses: { 204: { description: "Revoked" }, ...problems(401, 404, 422) },
});

export const policyRoutes = new OpenAPIHono<AppEnv>()
  .openapi(readPolicy, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    return c.json(await currentPolicy({ projectId }), 200);
  })
  .openapi(writePolicy, async (c) => {
    const { projectId } = c.req.valid("param");
    const { userId: by } = c.var;
    await getProject({ id: projectId, ownerUserId: by });
    const document = c.req.valid("json");
    const { version } = await publishPolicy({ projectId, document, by });
    return c.json({ version, document }, 200);
  })
  .openapi(listKeys, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const keys = await listApproverKeys({ projectId });
    return c.json({ items: keys.map((row) => shown(Key, row)) }, 200);
  })
  .openapi(addKey, async (c) => {
    const { projectId } = c.req.valid("param");
    const { userId: by } = c.var;
    const { publicKey, owner = by } = c.req.valid("json");
    await getProject({ id: projectId, ownerUserId: by });
    return c.json(shown(Key, await registerKey({ projectId, publicKey, owner, by })), 200);
  })
  .openapi(removeKey, async (c) => {
    const { projectId, keyId: id } = c.req.valid("param");
    const { userId: by } = c.var;
    await getProject({ id: projectId, ownerUserId: by });
    await revokeKey({ projectId, id, by });
    return c.body(null, 204);
  });
