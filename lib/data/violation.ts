import { DrizzleQueryError } from "drizzle-orm";
import * as z from "zod";

/** The parts of PostgreSQL's error report that code may decide on; its message is for people. */
const report = z.object({ code: z.string(), constraint: z.string().optional() });

const CODES = { unique: "23505", foreignKey: "23503" } as const;

/** Whether a query failed because of this kind of constraint; `constraint` narrows it to one. */
export function violates(error: unknown, kind: keyof typeof CODES, constraint?: string): boolean {
  const cause = error instanceof DrizzleQueryError ? error.cause : error;
  const { data } = report.safeParse(cause);
  if (data?.code !== CODES[kind]) return false;
  return constraint === undefined || data.constraint === constraint;
}
