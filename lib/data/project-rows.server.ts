import { and, eq, is, type SQL, sql } from "drizzle-orm";
import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import { db, type Executor, type Tx } from "#db/client.ts";
import * as schema from "#db/schema.ts";
import type { Project } from "./projects.server.ts";

const { auditEntries, projects } = schema;

/**
 * How many rows of each table go with a project, in one statement and so of one moment; tables of which it has none are
 * absent. Which tables those are is read from the schema, so that a new one cannot be forgotten. Its audit entries stay.
 */
export async function countProjectRows(
  { projectId }: { projectId: string },
  executor: Executor = db(),
): Promise<Record<string, number>> {
  const counts = Object.values<unknown>(schema).flatMap((table) => {
    if (!is(table, PgTable) || table === auditEntries || table === projects) return [];
    const { name } = getTableConfig(table);
    return sql`select ${name}::text as name, count(*)::int as rows from ${table} where ${ofProject(table, projectId)}`;
  });
  const { rows } = await executor.execute<{ name: string; rows: number }>(
    sql`select * from (${sql.join(counts, sql` union all `)}) counted where rows > 0 order by name`,
  );
  return Object.fromEntries(rows.map((row) => [row.name, row.rows]));
}

/** That a row belongs to the project: by its own column, or by the row that it goes with. */
function ofProject(table: PgTable, projectId: string): SQL {
  const { name, columns, foreignKeys } = getTableConfig(table);
  const own = columns.find((column) => column.name === "project_id");
  if (own) return sql`${own} = ${projectId}`;
  for (const key of foreignKeys) {
    const { columns: from, foreignTable, foreignColumns: to } = key.reference();
    const [column, target] = [from[0], to[0]];
    if (!column?.notNull || !target || foreignTable === table) continue;
    return sql`${column} in (select ${target} from ${foreignTable} where ${ofProject(foreignTable, projectId)})`;
  }
  throw new Error(`the rows of ${name} belong to no project`);
}

/** A hidden project, locked until the transaction ends: of several deletions one has it. Null when there is none. */
export async function lockDeleting({ id }: { id: string }, tx: Tx): Promise<Project | null> {
  const [project] = await tx
    .select()
    .from(projects)
    .where(and(eq(projects.id, id), eq(projects.status, "deleting")))
    .for("update");
  return project ?? null;
}
