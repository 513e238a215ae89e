import * as z from "zod";
import { name, note } from "../events/catalogue/fields.ts";
import { checkedRef } from "../git/names.ts";
import { pathProblem } from "../git/paths.ts";
import { isRepositoryName } from "../github/names.ts";
import { budgetInput } from "../model/budget-input.ts";
import { deployInput } from "../provision/input.ts";
import { redactText } from "../redact.ts";

const repository = z.string().refine(
  (text) => {
    const [owner = "", name = "", ...more] = text.split("/");
    return more.length === 0 && isRepositoryName({ owner, name });
  },
  { error: "owner/name" },
);

/** What a change says is stored, shown and pushed as it is: it cannot be redacted, so a secret in it is refused. */
const code = z
  .string()
  .max(200_000)
  .refine((text) => text.isWellFormed() && !text.includes("\0"), {
    error: "must be Unicode without NUL",
  })
  .refine((text) => redactText(text) === text, {
    error: "holds what looks like a secret: a change must not carry one",
  });

export const path = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => text.isWellFormed() && pathProblem(text) === null, {
    error: "must be a path inside the repository",
  });

function isBranch(text: string): boolean {
  try {
    return checkedRef(text) === `refs/heads/${text}`;
  } catch {
    return false;
  }
}

/** A file as it is to be; `content: null` removes it. */
const changedFile = z.strictObject({
  path,
  content: code.nullable(),
  executable: z.boolean().optional(),
});

const changes = z.discriminatedUnion("from", [
  z.strictObject({
    from: z.literal("files"),
    files: z
      .array(changedFile)
      .min(1)
      .max(200)
      .refine((files) => new Set(files.map((file) => file.path)).size === files.length, {
        error: "paths must differ",
      }),
  }),
  /** A unified diff, as `git diff` writes it. */
  z.strictObject({ from: z.literal("diff"), diff: code.min(1) }),
  /** A model makes it, from title, brief, tasks and artifacts. */
  z.strictObject({ from: z.literal("model") }),
]);

/** The kinds of verification; each is a job in the sandbox. */
export const CHECKS = ["lint", "typecheck", "test", "build"] as const;
/** The same, and what has to come before them. */
export const JOBS = ["install", ...CHECKS] as const;

const command = z.array(z.string().min(1).max(500)).min(1).max(50);

const task = z.strictObject({
  title: z.string().min(1).max(200),
  acceptance: z.array(note.min(1)).max(20).default([]),
  files: z.array(path).max(100).default([]),
});

/** A change of a connected repository, up to its merged pull request or to production. */
export const repositoryInput = z.strictObject({
  target: z.literal("repository"),
  repository,
  /** Title of the commit and the pull request. */
  title: z
    .string()
    .min(1)
    .max(200)
    .regex(/^\P{Cc}+$/u, "one line"),
  brief: note.default(""),
  /** What is changed and merged into; absent: the default branch. */
  base: z.string().refine(isBranch, { error: "must be the name of a branch" }).optional(),
  changes,
  /** What a change from a model may cost, over all attempts; docs/model.md says what is left out. */
  budget: budgetInput.optional(),
  tasks: z.array(task).max(50).optional(),
  /** Artifacts that this implements; absent version: the newest. */
  artifacts: z
    .array(
      z.strictObject({
        kind: name,
        logicalKey: name.optional(),
        version: z.int().min(1).optional(),
      }),
    )
    .max(20)
    .default([]),
  /** What has to succeed in the sandbox; absent: what the repository's own scripts offer. An empty list: nothing. */
  verify: z
    .array(z.strictObject({ check: z.enum(CHECKS), command }))
    .max(10)
    .refine((jobs) => new Set(jobs.map(({ check }) => check)).size === jobs.length, {
      error: "each check once",
    })
    .optional(),
  checks: z
    .strictObject({
      /** Names of statuses and check runs that have to be there and good, besides those that the branch demands. */
      required: z.array(name).max(50).default([]),
      deadlineMinutes: z
        .int()
        .min(1)
        .max(7 * 24 * 60)
        .default(60),
      /** How long the first check may take to appear where none is demanded: with none by then, there are none. */
      graceSeconds: z.int().min(0).max(3600).default(15),
    })
    .default({ required: [], deadlineMinutes: 60, graceSeconds: 15 }),
  /** A rebase leaves no place for the mark by which a merge of ours is found again. */
  merge: z.enum(["merge", "squash"]).default("merge"),
  /** Where the merged commit goes on to; absent: the run ends with the merge. */
  deploy: deployInput.optional(),
});

/** Whether the change of a run is still to be made, by a model. */
export function asksModel(input: unknown): boolean {
  return repositoryInput.parse(input).changes.from === "model";
}

/** Whether a run goes on from the merge to production. */
export function deploys(input: unknown): boolean {
  return repositoryInput.parse(input).deploy !== undefined;
}

export type RepositoryInput = z.infer<typeof repositoryInput>;
