import type { Boundary } from "./boundaries.ts";

/** What the harness must know of a kind of effect to bring one about and to know which boundaries are its own. */
export interface Kind {
  readonly kind: string;
  readonly target: "ledger" | "repository";
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
];
