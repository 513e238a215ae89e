import * as z from "zod";
import type { Database } from "./database.ts";

/** What can be made to wait until it is released. */
export const newHold = z.strictObject({
  /** Builds stay QUEUED. */
  builds: z.boolean().default(false),
  /** Promotions and rollbacks are taken and not done. */
  promotions: z.boolean().default(false),
  /** Production serves nothing, whatever was promoted. */
  production: z.boolean().default(false),
  /** No deployment answers, neither at its own address nor in production. */
  apps: z.boolean().default(false),
});
type Held = keyof z.infer<typeof newHold>;

export class Holds {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  set(holds: z.infer<typeof newHold>): void {
    this.#db.run("DELETE FROM holds");
    for (const [what, held] of Object.entries(holds)) {
      if (held) this.#db.run("INSERT INTO holds (what) VALUES (?)", what);
    }
  }

  has(what: Held): boolean {
    return this.#db.one("SELECT what FROM holds WHERE what = ?", what) !== undefined;
  }
}
