import type { Cell, Outcome } from "./cell.ts";
import { KINDS } from "./kinds.ts";

const INTRO = `# Crash matrix

Written by \`npm run crash\`, never by hand. Each cell is one run from \`run.requested\` to its end, with an app that is a process of
its own, on the real local parts; nothing in the app knows of it. A proxy that reads the PostgreSQL protocol, and gates before
the target and before Inngest, know what the app is about to do and what was done, and interfere there:

- **kill before**: SIGKILL before the statement reaches PostgreSQL, the call its target, the event Inngest. Another process goes on.
- **kill after**: SIGKILL after it was done and before the app hears of it.
- **hold**: two processes. The first stands still at that point, Inngest gives its work to the second, and later the first
  goes on as if nothing had been.
- **delay**: the call takes longer than the app waits for it, but no longer than its lease.

A cell passes when the run has ended as it has to, exactly one object of each effect is outside, the effect is confirmed with its id,
each approval is used, the audit chain is whole and tells each step once, and the run that is rebuilt from it stands as the live rows do.
\`effects -> sent #2\` is the second time that a run writes that state. Boundaries come from calm runs, so none is forgotten; a
boundary inside a transaction is each of its statements, and its commit.

For the ledger, what comes before the claim is the same for every kind and stands in the first table alone. The kinds of a repository
(\`repo.…\`) follow each other in one run, from a commit on a branch to the removal of that branch, and each table begins where the
one before ends; the first with the plan. What they do inside a transaction is the ledger's code, and only its commit is in their
tables. All that is outside of such a run is judged in each of its cells: one reachable commit
with our trailer, one pull request, one merge commit on top of the first commit, no branch, and nothing lost of what was there.

The kinds of providers (\`vercel.…\`, \`neon.…\`, \`upstash.…\`) come in three runs. One goes on from that merge to production, with a
project, a database, an index and a cache of its own: outside there is one of each, with our mark, five variables in the project, and one
deployment that production serves. One finds production there, does not answer once it is promoted, and goes back: it ends as failed, and
production serves what it served before. One removes a database, an index and a cache, and none is left.
`;

/**
 * The matrix as Markdown, one section for each kind.
 * @param before the document as it was: kinds that were not run now keep their sections.
 */
export function matrixDocument(outcomes: readonly Outcome[], before = ""): string {
  const sections = KINDS.flatMap(({ kind }) => {
    const mine = outcomes.filter(({ cell }) => cell.kind.kind === kind);
    return mine.length > 0 ? [section(kind, mine)] : (kept(kind, before) ?? []);
  });
  const counts = sections.map(countOf);
  const [cells, failed] = [0, 1].map((at) => counts.reduce((sum, one) => sum + (one[at] ?? 0), 0));
  return [INTRO, `**${cells} cells, ${failed} failed.**\n`, ...sections].join("\n");
}

function section(kind: string, mine: readonly Outcome[]): string {
  const failed = mine.filter(({ wrong }) => wrong.length > 0);
  return [
    `## ${kind}\n`,
    `${mine.length} cells, ${failed.length} failed.\n`,
    table(mine.filter(({ cell }) => !cell.fault)),
    `### ${kind}, with a target that fails\n`,
    table(mine.filter(({ cell }) => cell.fault)),
    ...(failed.length > 0 ? [`### ${kind}, failed\n`, ...failed.map(failure), ""] : []),
  ].join("\n");
}

/** The section of a kind in a document, from its heading to the next of the same rank; undefined when it has none. */
function kept(kind: string, document: string): string | undefined {
  const parts = document.split(/^(?=## )/m);
  const part = parts.find((one) => one.startsWith(`## ${kind}\n`));
  return part && `${part.trimEnd()}\n`;
}

function countOf(text: string): [number, number] {
  const [, cells, failed] = /^(\d+) cells, (\d+) failed\.$/m.exec(text) ?? [];
  return [Number(cells ?? 0), Number(failed ?? 0)];
}

const COLUMNS = ["undisturbed", "kill before", "kill after", "hold before", "hold after", "delay"];

function table(outcomes: readonly Outcome[]): string {
  const rows = new Map<string, Map<string, string>>();
  for (const { cell, wrong } of outcomes) {
    const row = rows.get(rowOf(cell)) ?? new Map<string, string>();
    const column = columnOf(cell);
    const before = row.get(column);
    row.set(column, wrong.length > 0 || before === "FAIL" ? "FAIL" : "ok");
    rows.set(rowOf(cell), row);
  }
  const columns = COLUMNS.filter((name) => outcomes.some(({ cell }) => columnOf(cell) === name));
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return `${[
    line(["boundary", ...columns]),
    line(["---", ...columns.map(() => "---")]),
    ...[...rows].map(([name, row]) => line([name, ...columns.map((one) => row.get(one) ?? "")])),
  ].join("\n")}\n`;
}

function columnOf({ at, action }: Cell): string {
  if (!at) return "undisturbed";
  return action === "delay" ? "delay" : `${action} ${at.when}`;
}

function rowOf({ at, fault }: Cell): string {
  const point = at ? `${at.label}${at.nth > 1 ? ` #${at.nth}` : ""}` : "the whole run";
  return fault ? `${fault.fault}: ${point}` : point;
}

const failure = ({ cell, wrong }: Outcome) =>
  `- ${cell.kind.kind}, ${columnOf(cell)}, ${rowOf(cell)}: ${wrong.join("; ")}`;
