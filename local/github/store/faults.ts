import * as z from "zod";
import { struckRequests, TRANSPORT_FAULTS } from "../../faults.ts";
import type { Database } from "./database.ts";

/** What happens to a request; `before` and `after` answer 502, `rate` 403 as GitHub's secondary limit does. */
export const newFault = z.strictObject({
  /** `owner/name`; absent: any. */
  repo: z.string().max(200).optional(),
  ...struckRequests,
  fault: z.enum(TRANSPORT_FAULTS),
});
export type NewFault = z.infer<typeof newFault>;
export type Fault = Pick<NewFault, "fault" | "ms">;

/** Faults that were ordered. */
export class Faults {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  add({ repo, method, path, times, on, fault, ms }: NewFault): void {
    const strikes = on ?? (method || fault === "error500" ? "any" : "write");
    this.#db.run(
      "INSERT INTO faults (repo, method, path, strikes, times, fault) VALUES (?, ?, ?, ?, ?, ?)",
      ...[repo ?? null, method ?? null, path, strikes, times, JSON.stringify({ fault, ms })],
    );
  }

  clear(): void {
    this.#db.run("DELETE FROM faults");
  }

  /** The oldest one that strikes this request, used up by one. */
  take(request: { method: string; path: string; repo: string | null }): Fault | undefined {
    const what = request.method === "GET" ? "read" : "write";
    const row = this.#db.one<{ id: number; fault: string }>(
      `SELECT id, fault FROM faults WHERE (repo IS NULL OR repo = ?) AND (method IS NULL OR method = ?)
         AND instr(?, path) > 0 AND strikes IN (?, 'any') ORDER BY id LIMIT 1`,
      ...[request.repo, request.method, request.path, what],
    );
    if (!row) return undefined;
    this.#db.run("UPDATE faults SET times = times - 1 WHERE id = ?", row.id);
    this.#db.run("DELETE FROM faults WHERE id = ? AND times <= 0", row.id);
    return JSON.parse(row.fault);
  }
}
