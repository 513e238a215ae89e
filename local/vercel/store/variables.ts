import type { Database } from "./database.ts";
import { letters } from "./ids.ts";

export const TARGETS = ["production", "preview", "development"] as const;
export type Target = (typeof TARGETS)[number];

export interface Variable {
  readonly id: string;
  readonly key: string;
  readonly value: string;
  readonly type: string;
  readonly target: readonly Target[];
  readonly comment: string | null;
  readonly created_at: number;
  readonly updated_at: number;
}
export type NewVariable = Pick<Variable, "key" | "value" | "type" | "target" | "comment">;
type Row = Omit<Variable, "target"> & { target: string };

export class Variables {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  ofProject(projectId: string): Variable[] {
    const select = "SELECT * FROM variables WHERE project_id = ? ORDER BY created_at, id";
    return this.#db.all<Row>(select, projectId).map(variable);
  }

  get(projectId: string, id: string): Variable | undefined {
    const select = "SELECT * FROM variables WHERE project_id = ? AND id = ?";
    const row = this.#db.one<Row>(select, projectId, id);
    return row && variable(row);
  }

  /**
   * Sets a variable for its targets; undefined when one of them has it and `over` does not allow that. What was there keeps its
   * other targets.
   */
  put(projectId: string, made: NewVariable, over: boolean): Variable | undefined {
    const there = this.ofProject(projectId).filter(
      ({ key, target }) => key === made.key && target.some((one) => made.target.includes(one)),
    );
    if (there.length > 0 && !over) return undefined;
    const now = Date.now();
    const same = there.find(({ target }) => target.every((one) => made.target.includes(one)));
    const id = same?.id ?? letters(16);
    for (const old of there) {
      const left = old.target.filter((one) => !made.target.includes(one));
      if (left.length === 0) this.remove(projectId, old.id);
      else
        this.#db.run(
          "UPDATE variables SET target = ?, updated_at = ? WHERE id = ?",
          ...[JSON.stringify(left), now, old.id],
        );
    }
    this.#db.run(
      `INSERT INTO variables (id, project_id, key, value, type, target, comment, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[id, projectId, made.key, made.value, made.type, JSON.stringify(made.target)],
      ...[made.comment, same?.created_at ?? now, now],
    );
    return this.get(projectId, id);
  }

  remove(projectId: string, id: string): void {
    this.#db.run("DELETE FROM variables WHERE project_id = ? AND id = ?", projectId, id);
  }
}

function variable(row: Row): Variable {
  return { ...row, target: JSON.parse(row.target) };
}
