import * as z from "zod";

// What the command line reads of the API's answers. Loose: --json hands on the rest as it came.

const text = z.string();
const maybe = text.nullable();

export const sent = z.looseObject({ eventId: text });

export const refusal = z.looseObject({ wanted: text, reason: text, detail: text, eventId: text });

export const effect = z.looseObject({
  id: text,
  runId: text,
  kind: text,
  status: text,
  attempt: z.number(),
  stepId: text,
  externalId: maybe,
  externalUrl: maybe,
  error: maybe,
});

export const effectDetail = effect.extend({ refusals: z.array(refusal) });

export const approval = z.looseObject({
  id: text,
  runId: text,
  scope: text,
  status: text,
  intentSummary: text,
  intentHash: text,
  requestedBy: text,
  approvers: z.array(text),
  quorum: z.number(),
  assurance: text,
  expiresAt: text,
});

const decision = z.looseObject({ decision: text, decidedBy: text, eventId: maybe });

export const approvalDetail = approval.extend({
  plan: maybe,
  decisions: z.array(decision),
  refusals: z.array(refusal),
});

export const run = z.looseObject({
  id: text,
  kind: text,
  mode: text,
  status: text,
  requestedBy: text,
  attempt: z.number(),
  error: maybe,
  remediation: maybe,
  createdAt: text,
});

export const repo = z.looseObject({
  id: text,
  owner: text,
  name: text,
  defaultBranch: text,
  index: z.looseObject({
    state: text,
    commitSha: maybe,
    at: maybe,
    error: maybe,
    files: z.number(),
    chunks: z.number(),
    skipped: z.record(z.string(), z.number()),
  }),
});

export const artifact = z.looseObject({
  id: text,
  kind: text,
  logicalKey: text,
  version: z.number(),
  stale: z.boolean(),
  createdAt: text,
});

export const artifactDetail = artifact.extend({
  content: text,
  citations: z.array(z.looseObject({ ordinal: z.number(), outdated: z.boolean() })),
});

const step = z.looseObject({
  stepId: text,
  status: text,
  attempt: z.number(),
  error: maybe,
  startedAt: text,
  endedAt: maybe,
});

const happened = z.looseObject({
  seq: z.number(),
  recordedAt: text,
  actor: text,
  action: text,
  subject: text,
  payload: z.record(text, z.unknown()),
});

export const runDetail = run.extend({
  steps: z.array(step),
  effects: z.array(effect),
  timeline: z.array(happened),
});

export const hits = z.looseObject({
  hits: z.array(
    z.looseObject({
      type: text,
      score: z.number(),
      text,
      file: text.optional(),
      key: text.optional(),
      path: text.optional(),
      pageStart: z.number().nullish(),
    }),
  ),
  warning: text.optional(),
});

export const key = z.looseObject({
  id: text,
  owner: text,
  createdBy: text,
  createdAt: text,
  revokedAt: maybe,
});

export const keys = z.looseObject({ items: z.array(key) });

export const skill = z.looseObject({ name: text, description: text });

export const skills = z.looseObject({
  items: z.array(skill.extend({ origin: text, overrides: z.boolean() })),
});

const messageCitation = z.looseObject({
  type: text,
  ordinal: z.number(),
  quote: text,
  outdated: z.boolean(),
  fileName: text.optional(),
  pageStart: z.number().nullish(),
  pageEnd: z.number().nullish(),
  artifactKind: text.optional(),
  artifactKey: text.optional(),
  artifactVersion: z.number().optional(),
  codePath: text.optional(),
  lineStart: z.number().optional(),
  lineEnd: z.number().optional(),
});

export const message = z.looseObject({
  id: text,
  role: text,
  content: text,
  inReplyTo: maybe,
  state: maybe,
  error: maybe,
  remediation: maybe,
  citations: z.array(messageCitation),
});

export const thread = z.looseObject({
  projectId: text,
  messages: z.looseObject({ items: z.array(message) }),
});

/** A page of a list. */
export function page<T extends z.ZodType>(item: T) {
  return z.looseObject({ items: z.array(item), nextCursor: maybe });
}
