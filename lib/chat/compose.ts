import { holdsSecret } from "../artifacts/check.ts";
import { Numbers, UNANSWERED } from "../artifacts/compose.ts";
import { getChunksWithFile } from "../data/chunks.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import { inline } from "../markdown.ts";
import type { Statement, Written } from "../model/port.ts";
import { type Pinned, pin } from "../retrieval/citations.ts";
import type { Source } from "./sources.ts";

/** An answer as it is kept: Markdown with numbers, and what the numbers stand for. */
export interface Composed {
  readonly content: string;
  /** In the order of their numbers, from 1. */
  readonly citations: readonly Pinned[];
  /** Statements of which no quote stands in its source now. */
  readonly dropped: number;
  /** Statements that hold what looks like a secret: no answer repeats one. */
  readonly withheld: number;
}

/**
 * Holds what was written against its sources once more, as they are now, and makes the answer of what stands the test. Says so
 * when nothing does.
 */
export async function composeReply(
  {
    projectId,
    written,
    sources,
  }: { projectId: string; written: Written; sources: readonly Source[] },
  tx: Tx,
): Promise<Composed> {
  const { statements, model } = written;
  const byId = new Map(sources.map((source) => [source.id, source]));
  const pinOf = await pinner(projectId, statements, byId, tx);
  const numbers = new Numbers<Pinned>();
  const lines: string[] = [];
  let dropped = 0;
  let withheld = 0;
  for (const statement of statements) {
    if (holdsSecret(statement)) {
      withheld++;
      continue;
    }
    const pinned = statement.citations.flatMap(
      ({ passageId, quote }) => pinOf(passageId, quote) ?? [],
    );
    const text = model === null ? readable(statement, byId) : statement.text;
    if (pinned.length === 0 || inline(text) === "") {
      dropped++;
      continue;
    }
    lines.push(numbers.line(text, pinned));
  }
  const content = lines.length === 0 ? UNANSWERED : lines.join("\n\n");
  return { content, citations: numbers.citations, dropped, withheld };
}

type PinOf = (passageId: string, quote: string) => Pinned | null;

async function pinner(
  projectId: string,
  statements: readonly Statement[],
  byId: ReadonlyMap<string, Source>,
  tx: Tx,
): Promise<PinOf> {
  const cited = statements.flatMap(({ citations }) => citations.map(({ passageId }) => passageId));
  const ids = [...new Set(cited)].filter((id) => byId.get(id)?.type === "chunk");
  const rows = ids.length === 0 ? [] : await getChunksWithFile({ projectId, ids }, tx);
  const chunks = new Map(rows.map((row) => [row.id, row]));
  return (passageId, quote) => {
    const source = byId.get(passageId);
    if (!source) return null;
    if (source.type !== "chunk") return source.pin(quote);
    const chunk = chunks.get(source.chunkId);
    return chunk ? pin(chunk, quote) : null;
  };
}

/** A sentence of an artifact without the escapes and numbers of the artifact's own Markdown, which mean nothing here. */
function readable({ text, citations }: Statement, byId: ReadonlyMap<string, Source>): string {
  const [first] = citations;
  if (!first || byId.get(first.passageId)?.type !== "artifact") return text;
  return text
    .replace(/(?<!\\)(?:\[[0-9]+\])+/g, "")
    .replace(/\\([\\`*_[\]<>|#+\-=~.)])/g, "$1")
    .trim();
}
