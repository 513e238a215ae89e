import { sql } from "drizzle-orm";
import { customType, text, timestamp } from "drizzle-orm/pg-core";

/**
 * An instant in milliseconds. PostgreSQL's default of microseconds would be cut by JavaScript's Date, and a cursor
 * made from a cut instant skips or repeats rows.
 */
export const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

export const createdAt = () => instant("created_at").notNull().defaultNow();

export const updatedAt = () =>
  instant("updated_at")
    .notNull()
    .defaultNow()
    // The database's clock, as for the default: two clocks in one column would order rows wrongly.
    .$onUpdate(() => sql`now()`);

/** Prefixed, time-ordered, made by `newId`, so a caller knows the id before the row exists. */
export const id = () => text("id").primaryKey();

export const tsvector = customType<{ data: string }>({ dataType: () => "tsvector" });
