import type { Statement } from "./pg-proxy.ts";

/** Where a value stands in a statement: a bound parameter, a literal, or something computed. */
type Value = { readonly param: number } | { readonly literal: string } | undefined;

/**
 * What a statement writes, in words such as `effects -> sent` or `audit effect.sent`; undefined when it writes nothing.
 * Statements that PostgreSQL runs as one are one: what they write is joined by ` + `.
 */
export function writes(statement: Pick<Statement, "sql" | "params">): string | undefined {
  const { sql } = statement;
  const found = [...sql.matchAll(/\b(insert into|update|delete from)\s+(?:"public"\.)?"?(\w+)"?/gi)]
    // `for update`, `on conflict do update`: no statement of their own.
    .filter(({ index }) => !/\b(for|do|no key)\s+$/i.test(sql.slice(0, index)));
  const labels = found.map((match, at) => {
    const text = sql.slice(match.index, found[at + 1]?.index);
    const table = match[2] ?? "";
    const verb = (match[1] ?? "").toLowerCase();
    if (verb === "delete from") return `${table} deleted`;
    const column = table === "audit_entries" ? "action" : "status";
    const values = verb === "update" ? [assigned(text, column)] : inserted(text, column);
    const words = values.map((value) => textOf(value, statement.params)).filter(Boolean);
    if (table === "audit_entries") return `audit ${words.join(", ")}`;
    const said = [...new Set(words)].join(", ");
    if (verb === "update") return said ? `${table} -> ${said}` : `${table} updated`;
    return said ? `${table} new ${said}` : `${table} new`;
  });
  return labels.length > 0 ? labels.join(" + ") : undefined;
}

function textOf(value: Value, params: readonly (string | null)[]): string | undefined {
  if (value === undefined) return undefined;
  return "param" in value ? (params[value.param - 1] ?? undefined) : value.literal;
}

function parsed(text: string | undefined): Value {
  const [, param, literal] = text?.trim().match(/^(?:\$(\d+)|'([^']*)')/) ?? [];
  if (param !== undefined) return { param: Number(param) };
  return literal === undefined ? undefined : { literal };
}

/** What an UPDATE sets a column to. */
function assigned(sql: string, column: string): Value {
  const [set = ""] = sql.split(/\bwhere\b/i);
  const [, value] = set.match(new RegExp(`[\\s,]"?${column}"?\\s*=\\s*(\\$\\d+|'[^']*')`)) ?? [];
  return parsed(value);
}

/** What an INSERT gives a column, row by row. */
function inserted(sql: string, column: string): Value[] {
  const [, names = "", rest = ""] =
    sql.match(/^[^(]*\(([^)]*)\)\s*(?:values|select)\s*(.*)$/is) ?? [];
  const at = names.split(",").findIndex((name) => name.trim().replaceAll('"', "") === column);
  if (at === -1) return [];
  const rows = rest.split(/\bon conflict\b|\breturning\b/i)[0] ?? "";
  const items = (row: string) => parsed(row.split(",")[at]);
  if (!rows.trimStart().startsWith("(")) return [items(rows)];
  return [...rows.matchAll(/\(((?:[^()']|'[^']*'|\([^()]*\))*)\)/g)].map((row) =>
    items(row[1] ?? ""),
  );
}

/** Follows the transactions of every connection, and names each write and each commit of one that wrote. */
export class Transactions {
  readonly #written = new Map<number, string[]>();

  /** What the statement changes for good or prepares to; undefined when nothing. To be asked once for each, in order. */
  label(statement: Statement): string | undefined {
    const verb = statement.sql.trimStart().split(/[\s;]/)[0]?.toLowerCase();
    const { connection } = statement;
    if (verb === "begin") this.#written.set(connection, []);
    if (verb === "rollback") this.#written.delete(connection);
    if (verb === "commit") {
      const written = this.#written.get(connection) ?? [];
      this.#written.delete(connection);
      return written.length > 0 ? `commit (${written.join("; ")})` : undefined;
    }
    const label = writes(statement);
    if (label) this.#written.get(connection)?.push(label);
    return label;
  }
}
