import { fillPlaceholders, type SQL } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Db } from "./client.ts";

/**
 * A statement that is written once, and parsed and planned once per connection, for what runs many times a second. Neon's
 * pooler keeps named statements apart as PostgreSQL does.
 * @param name of the statement, unique in the program; it changes when the text does
 * @param statement with `sql.placeholder(…)` for what differs from call to call
 * @returns runs it with the placeholders' values and gives the rows
 */
export function prepared<Row extends object>(name: string, statement: SQL) {
  const { sql: text, params } = new PgDialect().sqlToQuery(statement);
  return async (database: Db, values: Record<string, unknown>): Promise<Row[]> => {
    const query = { name, text, values: fillPlaceholders(params, values) };
    const { rows } = await database.$client.query<Row>(query);
    return rows;
  };
}
