import { rm } from "node:fs/promises";
import { join } from "node:path";
import { deploymentEvent } from "./bodies/event.ts";
import { Builder } from "./build/builder.ts";
import { Sites } from "./sites.ts";
import type { Root } from "./static.ts";
import { Database } from "./store/database.ts";
import { Deliveries } from "./store/deliveries.ts";
import { type DeploymentRow, Deployments } from "./store/deployments.ts";
import { Faults } from "./store/faults.ts";
import { Holds } from "./store/holds.ts";
import { type AliasRequest, type ProjectRow, Projects } from "./store/projects.ts";
import { Variables } from "./store/variables.ts";

export interface ServiceOptions {
  readonly dir: string;
  /** Where repositories are fetched from, `http://127.0.0.1:8400`, and as whom. */
  readonly githubUrl: string;
  readonly githubToken: string;
  readonly buildTimeoutMs: number;
  readonly teamId: string | undefined;
}

/** More sites than this are not served again after a restart, but for those that are in production: each has a port. */
const MAX_SITES = 300;

/** Everything that the routes need: the state on disk, the builds, and what is served. */
export class Service {
  readonly db: Database;
  readonly projects: Projects;
  readonly variables: Variables;
  readonly deployments: Deployments;
  readonly deliveries: Deliveries;
  readonly faults: Faults;
  readonly holds: Holds;
  readonly sites = new Sites();
  readonly builder: Builder;
  readonly options: ServiceOptions;
  /** Set when the port is known: `http://127.0.0.1:8500`. */
  origin = "";
  /** Called when something was queued for the webhook. */
  onDelivery: () => void = () => undefined;

  constructor(options: ServiceOptions) {
    this.options = options;
    this.db = new Database(options.dir);
    this.projects = new Projects(this.db);
    this.variables = new Variables(this.db);
    this.deployments = new Deployments(this.db);
    this.deliveries = new Deliveries(this.db);
    this.faults = new Faults(this.db);
    this.holds = new Holds(this.db);
    this.builder = new Builder(this);
  }

  /** Goes on where the last process ended. */
  async resume(): Promise<void> {
    this.deployments.buildAgain();
    for (const project of this.projects.all()) {
      const port = await this.openProject(project.id, project.port);
      if (port !== project.port) this.projects.update(project.id, { port });
    }
    const inProduction = new Set(this.projects.all().map(({ production_id }) => production_id));
    for (const [n, { id, port: old }] of this.deployments.all(null).entries()) {
      if (n >= MAX_SITES && !inProduction.has(id)) continue;
      const port = await this.openDeployment(id, old);
      if (port !== old) this.deployments.setPort(id, port);
    }
    this.switchWaiting();
    this.builder.wake();
  }

  /** Serves what is in production of a project now; returns the port. */
  async openProject(id: string, port = 0): Promise<number> {
    return await this.sites.open(id, port, () => {
      if (this.holds.has("production")) return { missing: "DEPLOYMENT_NOT_FOUND" };
      const live = this.projects.find(id)?.production_id;
      return live ? this.#rootOf(live) : { missing: "DEPLOYMENT_NOT_FOUND" };
    });
  }

  async openDeployment(id: string, port = 0): Promise<number> {
    return await this.sites.open(id, port, () => this.#rootOf(id));
  }

  #rootOf(id: string): Root {
    if (this.holds.has("apps")) return { missing: "DEPLOYMENT_NOT_FOUND" };
    const state = this.deployments.find(id)?.state;
    if (state === "READY") return { dir: this.siteOf(id) };
    return { missing: state === undefined ? "DEPLOYMENT_NOT_FOUND" : "DEPLOYMENT_NOT_READY" };
  }

  siteOf(id: string): string {
    return join(this.options.dir, "sites", id);
  }

  sourceOf({ org, repo }: DeploymentRow): { cloneUrl: string; token: string } {
    const { githubUrl, githubToken: token } = this.options;
    return { cloneUrl: `${githubUrl}/${org}/${repo}.git`, token };
  }

  /** What a build gets. */
  variablesOf({ project_id, target }: DeploymentRow): Record<string, string> {
    const wanted = target ?? "preview";
    const all = this.variables.ofProject(project_id);
    const ours = all.filter((one) => one.target.includes(wanted));
    return Object.fromEntries(ours.map(({ key, value }) => [key, value]));
  }

  ready(id: string): void {
    this.db.transaction(() => {
      if (!this.deployments.move(id, ["BUILDING"], "READY")) return;
      this.tell("deployment.succeeded", id);
      const row = this.deployments.find(id);
      if (row?.target === "production" && row.auto_assign === 1) {
        this.#serve(row.project_id, id, "promote");
      }
    });
    this.onDelivery();
  }

  failed(id: string, why: { code: string; message: string }): void {
    this.db.transaction(() => {
      if (!this.deployments.move(id, ["BUILDING"], "ERROR", why)) return;
      this.deployments.say(id, "stdout", `Error: ${why.message}`);
      this.tell("deployment.error", id);
    });
    this.onDelivery();
  }

  /** Takes the wish that production serve this deployment, and fulfils it unless promotions are held. */
  wish(project: ProjectRow, to: string, type: AliasRequest["type"]): void {
    const request: AliasRequest = {
      ...{ fromDeploymentId: project.production_id, toDeploymentId: to, type },
      ...{ jobStatus: "pending", requestedAt: Date.now() },
    };
    this.projects.update(project.id, { alias_request: JSON.stringify(request) });
    this.switchWaiting();
  }

  /** Fulfils what is wished for. */
  switchWaiting(): void {
    if (this.holds.has("promotions")) return;
    for (const { id, alias_request } of this.projects.all()) {
      const wish: AliasRequest | null = alias_request && JSON.parse(alias_request);
      if (wish?.jobStatus !== "pending") continue;
      this.db.transaction(() => {
        const done: AliasRequest = { ...wish, jobStatus: "succeeded" };
        this.projects.update(id, { alias_request: JSON.stringify(done) });
        this.#serve(id, wish.toDeploymentId, wish.type);
      });
    }
    this.onDelivery();
  }

  #serve(projectId: string, deploymentId: string, type: AliasRequest["type"]): void {
    this.projects.update(projectId, { production_id: deploymentId });
    this.deployments.setPromoted(deploymentId);
    this.tell(type === "promote" ? "deployment.promoted" : "deployment.rollback", deploymentId);
  }

  /** Queues a webhook about a deployment. */
  tell(type: string, deploymentId: string): void {
    const row = this.deployments.find(deploymentId);
    const project = row && this.projects.find(row.project_id);
    if (!row || !project) return;
    this.deliveries.enqueue(type, { payload: deploymentEvent(this, project, row) });
  }

  async removeDeployment(id: string): Promise<void> {
    this.deployments.remove(id);
    await this.builder.end(id);
    await this.sites.close(id);
    await rm(this.siteOf(id), { recursive: true, force: true });
  }

  async removeProject({ id }: ProjectRow): Promise<void> {
    const made = this.deployments.all(id);
    this.projects.remove(id);
    for (const deployment of made) await this.removeDeployment(deployment.id);
    await this.sites.close(id);
  }

  /** Readers see everything again. */
  showAll(): void {
    this.db.run("UPDATE projects SET seen_from = 0");
    this.db.run("UPDATE deployments SET seen_from = 0");
  }
}
