import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { approvalRule } from "#lib/approvals/rule.ts";
import {
  type Approval as ApprovalRow,
  listVoices,
  readApproval,
} from "#lib/data/approvals.server.ts";
import { readArtifact } from "#lib/data/artifacts.server.ts";
import { effectsOfApproval } from "#lib/data/effect-lists.server.ts";
import { listRefusals } from "#lib/data/refusals.server.ts";
import { listApprovals, visibleApproval } from "#lib/data/visible-approvals.server.ts";
import {
  approvalDenied,
  approvalGranted,
  approvalRevoked,
} from "#lib/events/catalogue/approvals.ts";
import { id, note, sha256 } from "#lib/events/catalogue/fields.ts";
import { event } from "#lib/events/emit.ts";
import { ASSURANCE } from "#lib/policy/document.ts";
import {
  type AppEnv,
  forOwners,
  forOwnersWithJson,
  instant,
  json,
  PageQuery,
  paged,
  pageOf,
  shown,
  wake,
} from "./common.ts";
import { Effect } from "./effects.ts";
import { problems } from "./problem.ts";
import { Refusal, Sent } from "./said.ts";
import { seal } from "./seal.ts";

const Status = z.enum([
  ...["pending", "granted", "denied", "revoked", "expired", "superseded", "used"],
] as const);

export const Approval = z
  .object({
    id: z.string(),
    projectId: z.string(),
    runId: z.string(),
    scope: z.string(),
    status: Status,
    intentSummary: z.string(),
    intentHash: z.string().describe("What a decision is bound to"),
    requestedBy: z.string(),
    approvers: z.array(z.string()).describe("Who may decide"),
    quorum: z.int().describe("How many of them must grant it"),
    assurance: z.enum(ASSURANCE).describe("The least that must vouch for a decision"),
    policyVersion: z.int().describe("0 is the built-in policy"),
    planArtifactId: z.string().nullable(),
    approvedBy: z.string().nullable(),
    expiresAt: instant,
    settledAt: instant.nullable(),
    usedAt: instant.nullable(),
    createdAt: instant,
  })
  .openapi("Approval");

const Decision = z
  .object({
    decision: z.enum(["granted", "denied", "revoked"]),
    decidedBy: z.string(),
    assurance: z.enum(ASSURANCE),
    signatureKeyId: z.string().nullable(),
    note: z.string().nullable(),
    eventId: z.string().nullable(),
    decidedAt: instant,
  })
  .openapi("Decision");

const ApprovalDetail = Approval.extend({
  plan: z.string().nullable().describe("Markdown: what would be done, with the difference"),
  decisions: z.array(Decision).describe("Those that were accepted, oldest first"),
  refusals: z.array(Refusal).describe("Those that were not, oldest first, the last 100"),
  effects: z.array(Effect).describe("What it covers, in the plan's order"),
}).openapi("ApprovalDetail");

const params = z.object({ approvalId: id });

const list = createRoute({
  ...forOwners,
  method: "get",
  path: "/approvals",
  summary: "Approvals of the caller's projects and those that the caller may decide, newest first",
  request: {
    query: PageQuery.extend({ projectId: id.optional(), status: Status.optional() }),
  },
  responses: {
    200: { description: "A page", content: json(pageOf(Approval)) },
    ...problems(401, 422),
  },
});

const read = createRoute({
  ...forOwners,
  method: "get",
  path: "/approvals/{approvalId}",
  summary: "One approval: the plan, who said what, and what became of it",
  request: { params },
  responses: {
    200: { description: "The approval", content: json(ApprovalDetail) },
    ...problems(401, 404, 422),
  },
});

const Said = z
  .strictObject({
    intentHash: sha256.describe("The hash of the plan that was seen"),
    note: note.optional(),
    signature: approvalGranted.schema.shape.signature,
  })
  .openapi("NewDecision");

/** Only says so: whether it counts is judged where events from anywhere are, and can be read from the approval. */
const decide = (verb: "grant" | "deny" | "revoke") =>
  createRoute({
    ...forOwnersWithJson,
    method: "post",
    path: `/approvals/{approvalId}/${verb}`,
    summary: `Say that the caller would ${verb} it; look at the approval for whether that counted`,
    request: { params, body: { required: true, content: json(Said) } },
    responses: {
      202: { description: "Sent to be judged", content: json(Sent) },
      ...problems(400, 401, 404, 413, 415, 422, 503),
    },
  });

export const approvalRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (c) => {
    const page = await listApprovals({ userId: c.var.userId, ...c.req.valid("query") });
    return c.json(paged(page, view), 200);
  })
  .openapi(read, async (c) => {
    const { approvalId } = c.req.valid("param");
    const { projectId, planArtifactId } = await visibleApproval({
      id: approvalId,
      userId: c.var.userId,
    });
    const [plan, decisions, refusals, effects] = await Promise.all([
      planArtifactId === null ? null : readArtifact({ id: planArtifactId }),
      listVoices({ approvalId }),
      listRefusals({ projectId, subject: approvalId }),
      effectsOfApproval({ approvalId }),
    ]);
    // Last: the decisions that are shown have then had their effect on what is shown.
    const approval = await readApproval({ id: approvalId });
    return c.json(
      {
        ...view(approval),
        plan: plan?.content ?? null,
        decisions: decisions.map((row) => shown(Decision, row)),
        refusals: refusals.map((row) => shown(Refusal, row)),
        effects: effects.map((row) => shown(Effect, row)),
      },
      200,
    );
  });

for (const [verb, decision, type] of [
  ["grant", "granted", approvalGranted],
  ["deny", "denied", approvalDenied],
  ["revoke", "revoked", approvalRevoked],
] as const) {
  approvalRoutes.openapi(decide(verb), async (c) => {
    const { approvalId } = c.req.valid("param");
    const { intentHash, note, signature } = c.req.valid("json");
    const { userId: by, requestId } = c.var;
    const { projectId, expiresAt } = await visibleApproval({ id: approvalId, userId: by });
    const facts = { approvalId, intentHash, decision };
    const proof = signature
      ? { signature }
      : { edge: seal(facts, { by, requestId, until: expiresAt }) };
    // The occasion: what no proof tells apart may rightly be said again in another request.
    const said = event(
      type,
      { projectId, approvalId, intentHash, by, note, ...proof },
      signature ? undefined : requestId,
    );
    await wake(said);
    return c.json({ eventId: said.id }, 202);
  });
}

export function view(row: ApprovalRow): z.infer<typeof Approval> {
  return shown(Approval, { ...row, assurance: approvalRule(row).assurance });
}
