import { RESOURCE_TYPES, type ResourceType, TYPES } from "#lib/provision/types.ts";
import type { Boundary } from "./boundaries.ts";
import { removedRow } from "./targets/removal.ts";

/** What the harness must know of a kind of effect to bring one about and to know which boundaries are its own. */
export interface Kind {
  readonly kind: string;
  readonly target: "ledger" | "repository" | "delivery" | "rollback" | "removal";
  /** Whose faults strike it, where its target is several. */
  readonly provider?: "vercel" | "neon" | "upstash";
  /** Input of a run that makes one such effect, in what was prepared for it. */
  input(runId: string): object;
  /** The boundary that is the call which brings it about. */
  readonly call: string;
  /** Where its boundaries begin, and where those of the next begin; absent: with the run, and with its end. */
  readonly from?: Point | undefined;
  readonly to?: Point | undefined;
  /** Which of them are tried; absent: all. */
  readonly only?: RegExp;
  /** For how many ms reads can be told to miss what was just made; null: the kind says that they never do. */
  readonly unseenMs: number | null;
  /** The calls of its target that faults strike, where the target has to be told. */
  readonly struck?: { readonly method: string; readonly path: string };
}

type Point = Pick<Boundary, "label" | "nth">;

const CLAIM = "effects -> claimed";
const PLAN = "reply plan-changes";

/** What another process sees at once, so that statements inside a transaction are left out. */
const LASTING = /^(reply|checkpoint|emit|call|commit|run)/;

const ledger = (kind: string) => ({
  kind: `ledger.${kind}`,
  target: "ledger" as const,
  call: "call: create",
  input: (book: string) => ({
    target: "ledger",
    book,
    entries: [{ kind, name: "first", value: "one" }],
  }),
});

const repository = (kind: string, method: string, route: string) => ({
  kind: `repo.${kind}`,
  target: "repository" as const,
  call: `call: ${method} ${route}`,
  only: LASTING,
  // Longer than the lease, so that what is looked for first is not seen, and asked for again.
  unseenMs: 13_000,
  input: (name: string) => ({
    target: "repository",
    repository: `acme/${name}`,
    title: "A change",
    changes: { from: "files", files: [{ path: "docs/one.md", content: "one\n" }] },
    verify: [],
    checks: { required: [], graceSeconds: 0 },
  }),
});

/** A kind at a provider of target apps. `seen`: its reads never miss what was just made. */
const delivery = (
  kind: string,
  {
    provider,
    path,
    seen,
  }: { provider: NonNullable<Kind["provider"]>; path: string; seen: boolean },
) => ({
  kind,
  target: "delivery" as const,
  provider,
  call: `call: POST ${provider} ${path}`,
  struck: { method: "POST", path: `/${path}` },
  only: LASTING,
  unseenMs: seen ? null : 13_000,
  input: (name: string) => ({
    ...repository("", "", "").input(name),
    deploy: {
      project: name,
      resources: [
        { name: `db-${name}`, type: "neon.project" },
        { name: `words-${name}`, type: "upstash.vector" },
        { name: `cache-${name}`, type: "upstash.redis" },
      ],
      // Nothing is built: the files are served as they are.
      health: { path: "/README.md" },
    },
  }),
});

/** One of three resources that a run removes. */
const removal = (
  type: ResourceType,
  { path, from, to }: { path: string; from: Point; to?: Point },
): Kind => ({
  kind: `${type}.removal`,
  target: "removal",
  provider: TYPES[type].provider,
  call: `call: DELETE ${TYPES[type].provider} ${path}`,
  struck: { method: "DELETE", path: `/${path}/` },
  only: LASTING,
  unseenMs: null,
  input: (runId) => ({
    target: "removal",
    resources: RESOURCE_TYPES.map((one) => removedRow(runId, one)),
  }),
  ...{ from, to },
});

/** Every kind that is registered; a test holds the two lists together. Those of a repository follow each other in one run. */
export const KINDS: readonly Kind[] = [
  { ...ledger("entry"), unseenMs: null },
  { ...ledger("note"), unseenMs: 3000, from: { label: CLAIM, nth: 1 } },
  {
    ...repository("push", "POST", "git/refs"),
    struck: { method: "POST", path: "/git/refs" },
    from: { label: PLAN, nth: 1 },
    to: { label: CLAIM, nth: 2 },
  },
  {
    ...repository("pull", "POST", "pulls"),
    struck: { method: "POST", path: "/pulls" },
    from: { label: CLAIM, nth: 2 },
    to: { label: "reply await-checks", nth: 1 },
  },
  {
    ...repository("merge", "PUT", "pulls/{number}/merge"),
    struck: { method: "PUT", path: "/merge" },
    from: { label: "reply await-checks", nth: 1 },
    to: { label: CLAIM, nth: 4 },
  },
  {
    ...repository("cleanup", "DELETE", "git/refs/{ref}"),
    struck: { method: "DELETE", path: "/git/refs/" },
    from: { label: CLAIM, nth: 4 },
  },
  {
    ...delivery("vercel.project", { provider: "vercel", path: "projects", seen: true }),
    from: { label: PLAN, nth: 3 },
    to: { label: CLAIM, nth: 6 },
  },
  {
    ...delivery("neon.project", { provider: "neon", path: "projects", seen: false }),
    from: { label: CLAIM, nth: 6 },
    to: { label: CLAIM, nth: 7 },
  },
  {
    ...delivery("upstash.vector", { provider: "upstash", path: "vector/index", seen: false }),
    from: { label: CLAIM, nth: 7 },
    to: { label: CLAIM, nth: 8 },
  },
  {
    ...delivery("upstash.redis", { provider: "upstash", path: "redis/database", seen: false }),
    from: { label: CLAIM, nth: 8 },
    to: { label: CLAIM, nth: 9 },
  },
  {
    ...delivery("vercel.environment", { provider: "vercel", path: "projects/env", seen: true }),
    struck: { method: "POST", path: "/env" },
    from: { label: CLAIM, nth: 9 },
    to: { label: PLAN, nth: 4 },
  },
  {
    ...delivery("vercel.deployment", { provider: "vercel", path: "deployments", seen: false }),
    from: { label: PLAN, nth: 4 },
    to: { label: PLAN, nth: 5 },
  },
  {
    ...delivery("vercel.promotion", { provider: "vercel", path: "projects/promote", seen: true }),
    struck: { method: "POST", path: "/promote/" },
    from: { label: PLAN, nth: 5 },
  },
  {
    ...delivery("vercel.rollback", { provider: "vercel", path: "projects/rollback", seen: true }),
    target: "rollback",
    struck: { method: "POST", path: "/rollback/" },
    input: (name) => ({
      ...repository("", "", "").input(name),
      deploy: { project: name, health: { path: "/README.md", deadlineSeconds: 5 } },
    }),
    from: { label: PLAN, nth: 6 },
  },
  removal("neon.project", {
    path: "projects",
    from: { label: CLAIM, nth: 1 },
    to: { label: CLAIM, nth: 2 },
  }),
  removal("upstash.vector", {
    path: "vector/index",
    from: { label: CLAIM, nth: 2 },
    to: { label: CLAIM, nth: 3 },
  }),
  removal("upstash.redis", { path: "redis/database", from: { label: CLAIM, nth: 3 } }),
];
