import { drizzle } from "drizzle-orm/neon-serverless";
import type { Db, Executor } from "#db/client.ts";
import * as schema from "#db/schema.ts";

/** A statement as the data layer sends it. */
export interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** How PostgreSQL answered a statement. */
export interface Plan {
  /** Each table that was read, and how: `runs by runs_list_idx`, `runs sequentially`. */
  readonly reads: readonly string[];
  /** Tables of which all rows were looked at. */
  readonly sequential: readonly string[];
  readonly ms: number;
}

/** Runs `query` and returns what it sent, by the log of Drizzle itself; a change that it makes is taken back. */
export async function statementsOf(
  database: Db,
  query: (executor: Executor) => Promise<unknown>,
): Promise<Statement[]> {
  const sent: Statement[] = [];
  const logQuery = (text: string, values: unknown[]) => void sent.push({ text, values });
  const logging = drizzle({ client: database.$client, schema, logger: { logQuery } });
  const done = new Error("nothing stays");
  await logging
    .transaction(async (tx) => {
      await query(tx);
      throw done;
    })
    .catch((error: unknown) => {
      if (error !== done) throw error;
    });
  return sent.filter(({ text }) => /^\s*(select|update|delete|insert|with|\()/i.test(text));
}

/** Runs a statement, takes back what it changed, and tells how it was answered. */
export async function explain(database: Db, { text, values }: Statement): Promise<Plan> {
  const client = await database.$client.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query(`explain (analyze, format json) ${text}`, values);
    await client.query("rollback");
    const [answer] = rows[0]["QUERY PLAN"] as [{ Plan: Node; "Execution Time": number }];
    const scans = nodes(answer.Plan).filter((node) => node["Node Type"].endsWith("Scan"));
    const sequential = scans.filter((node) => node["Node Type"] === "Seq Scan");
    return {
      reads: [...new Set(scans.flatMap(read))],
      sequential: [...new Set(sequential.flatMap((node) => node["Relation Name"] ?? []))],
      ms: answer["Execution Time"],
    };
  } finally {
    client.release();
  }
}

interface Node {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly Plans?: readonly Node[];
}

function nodes(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodes)];
}

function read(node: Node): string[] {
  const table = node["Relation Name"];
  const index = node["Index Name"];
  // Of a bitmap, the index is in a node below that of the table, and says all; so it is with scans of subqueries.
  if (node["Node Type"] === "Seq Scan") return [`${table} sequentially`];
  return index ? [index] : [];
}
