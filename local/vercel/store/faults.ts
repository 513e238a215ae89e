import * as z from "zod";
import { struckRequests, TRANSPORT_FAULTS } from "../../faults.ts";
import type { Database } from "./database.ts";

/** What happens to a request; see README.md. */
export const newFault = z.strictObject({
  ...struckRequests,
  fault: z.enum(TRANSPORT_FAULTS),
});
export type NewFault = z.infer<typeof newFault>;

/** What happens to a build. */
export const newBuildFault = z.strictObject({
  /** `error` fails it; `hang` lets it go on for `ms` before it begins, or until it is canceled. */
  fault: z.enum(["error", "hang"]),
  times: z.int().min(1).max(1_000_000).default(1),
  ms: z.int().min(0).max(600_000).default(600_000),
});
export type BuildFault = z.infer<typeof newBuildFault>;

/** Faults that were ordered. */
export class Faults {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  add({ method, path, times, on, fault, ms }: NewFault): void {
    const strikes = on ?? (method || fault === "error500" ? "any" : "write");
    this.#db.run(
      "INSERT INTO faults (method, path, strikes, times, fault) VALUES (?, ?, ?, ?, ?)",
      ...[method ?? null, path, strikes, times, JSON.stringify({ fault, ms })],
    );
  }

  addBuild(fault: BuildFault): void {
    this.#db.run(
      "INSERT INTO build_faults (times, fault) VALUES (?, ?)",
      ...[fault.times, JSON.stringify(fault)],
    );
  }

  clear(): void {
    this.#db.run("DELETE FROM faults");
    this.#db.run("DELETE FROM build_faults");
  }

  /** The oldest one that strikes this request, used up by one. */
  take(request: { method: string; path: string }): Pick<NewFault, "fault" | "ms"> | undefined {
    const what = request.method === "GET" ? "read" : "write";
    const row = this.#db.one<{ id: number; fault: string }>(
      `SELECT id, fault FROM faults WHERE (method IS NULL OR method = ?)
         AND instr(?, path) > 0 AND strikes IN (?, 'any') ORDER BY id LIMIT 1`,
      ...[request.method, request.path, what],
    );
    return row && this.#used("faults", row);
  }

  takeBuild(): BuildFault | undefined {
    const row = this.#db.one<{ id: number; fault: string }>(
      "SELECT id, fault FROM build_faults ORDER BY id LIMIT 1",
    );
    return row && this.#used("build_faults", row);
  }

  #used<T>(table: string, { id, fault }: { id: number; fault: string }): T {
    this.#db.run(`UPDATE ${table} SET times = times - 1 WHERE id = ?`, id);
    this.#db.run(`DELETE FROM ${table} WHERE id = ? AND times <= 0`, id);
    return JSON.parse(fault);
  }
}
