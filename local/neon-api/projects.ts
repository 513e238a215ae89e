import { Refused } from "../faulty-api.ts";
import type { Cluster } from "./cluster.ts";
import { beginnings, newNames } from "./names.ts";
import type { ProjectRow, ProjectStore } from "./store.ts";

/** Projects: rows here and databases there, so that neither is without the other, whenever the process dies. */
export class Projects {
  readonly store: ProjectStore;
  readonly cluster: Cluster;
  readonly #tag: string;

  constructor(store: ProjectStore, cluster: Cluster, tag: string) {
    this.store = store;
    this.cluster = cluster;
    this.#tag = tag;
  }

  /** Makes whole what the last end left half-made, and removes what it left half-removed. */
  async recover(): Promise<void> {
    await this.cluster.takeOver();
    await this.cluster.shut();
    for (const row of this.store.all()) {
      if (row.state === "creating") await this.#make(row, 0);
      if (row.state === "deleting") await this.#drop(row);
    }
  }

  /** The row first: what is in the cluster is always known here. */
  async create(
    wanted: { name?: string; region: string; org: string | null },
    delayMs: number,
  ): Promise<ProjectRow> {
    const names = newNames(this.#tag);
    const { name = names.id, region, org: org_id } = wanted;
    this.store.add({ ...names, name, region, org_id, created_at: new Date().toISOString() });
    const row = this.store.all().find(({ id }) => id === names.id);
    if (!row) throw new Error("a project that was noted is not there");
    await this.#make(row, delayMs);
    return row;
  }

  async remove(row: ProjectRow): Promise<void> {
    this.store.deleting(row.id);
    await this.#drop(row);
  }

  /** A project that readers see. Refuses (404) one that is not there. */
  get(id: string): ProjectRow {
    const row = this.store.find(id);
    if (!row) throw new Refused(404, "project not found");
    return row;
  }

  /** All rows, without their passwords, and what the cluster has of this server's. */
  async everything() {
    const projects = this.store.all().map(({ password, ...row }) => row);
    return { projects, ...(await this.cluster.existing(beginnings(this.#tag))) };
  }

  async #make(row: ProjectRow, delayMs: number): Promise<void> {
    await this.cluster.make(row);
    this.store.ready(row.id, delayMs);
  }

  async #drop(row: ProjectRow): Promise<void> {
    await this.cluster.drop(row);
    this.store.remove(row.id);
  }
}
