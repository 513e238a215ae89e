import { createHash } from "node:crypto";
import type {
  Branch,
  ConnectionDetails,
  Database,
  Endpoint,
  EndpointPoolerMode,
  EndpointState,
  EndpointType,
  Operation,
  OperationAction,
  OperationStatus,
  Project,
  ProjectListItem,
  Role,
} from "@neondatabase/api-client";
import type { ProjectRow } from "./store.ts";

const NOTHING_USED = {
  ...{ active_time_seconds: 0, compute_time_seconds: 0, cpu_used_sec: 0 },
  ...{ written_data_bytes: 0, data_transfer_bytes: 0 },
};

/** What a list says of a project; the names and meanings are those of Neon's API. */
export function listItem(row: ProjectRow): ProjectListItem {
  const { id, name, region, org_id, created_at } = row;
  return {
    ...{ id, name, region_id: region, platform_id: region.split("-")[0] ?? "aws" },
    ...(org_id !== null && { org_id }),
    ...{ created_at, updated_at: created_at, creation_source: "console", owner_id: "local" },
    ...{ provisioner: "k8s-neonvm", pg_version: 18, proxy_host: hostOf(region) },
    ...{ branch_logical_size_limit: 0, branch_logical_size_limit_bytes: 0, store_passwords: true },
    ...{ active_time: 0, cpu_used_sec: 0 },
  };
}

export function project(row: ProjectRow): Project {
  const { active_time, ...item } = listItem(row);
  const { created_at } = row;
  return {
    ...item,
    ...NOTHING_USED,
    ...{ data_storage_bytes_hour: 0, history_retention_seconds: 86_400 },
    ...{ consumption_period_start: created_at, consumption_period_end: created_at },
  };
}

export function branch(row: ProjectRow): Branch {
  const { created_at } = row;
  return {
    ...{ id: row.branch_id, project_id: row.id, name: "main", current_state: "ready" },
    ...{ created_at, updated_at: created_at, state_changed_at: created_at },
    ...{ default: true, protected: false, creation_source: "console", init_source: "parent-data" },
    ...NOTHING_USED,
  };
}

export function database(row: ProjectRow): Database {
  const { seq: id, branch_id, created_at } = row;
  const owner = { name: row.database, owner_name: row.role };
  return { id, branch_id, ...owner, created_at, updated_at: created_at };
}

/** @param withPassword only the answer to a creation has it. */
export function role(row: ProjectRow, withPassword = false): Role {
  const { branch_id, created_at, password } = row;
  const times = { created_at, updated_at: created_at };
  const facts = { branch_id, name: row.role, protected: false, ...times };
  return withPassword ? { ...facts, password } : facts;
}

export function endpoint(row: ProjectRow): Endpoint {
  const { id, branch_id, endpoint_id, region, created_at } = row;
  return {
    ...{ id: endpoint_id, project_id: id, branch_id, region_id: region },
    ...{ host: `${endpoint_id}.${hostOf(region)}`, proxy_host: hostOf(region) },
    ...{ autoscaling_limit_min_cu: 0.25, autoscaling_limit_max_cu: 0.25, settings: {} },
    ...{ type: "read_write" as EndpointType, current_state: "active" as EndpointState },
    ...{ pooler_enabled: false, pooler_mode: "transaction" as EndpointPoolerMode },
    ...{ disabled: false, passwordless_access: true, suspend_timeout_seconds: 0 },
    ...{ creation_source: "console", provisioner: "k8s-neonvm" },
    ...{ created_at, updated_at: created_at },
  };
}

/** All are over: a project is answered when it is made. */
export function operations(row: ProjectRow): Operation[] {
  const { id: project_id, branch_id, endpoint_id, created_at } = row;
  const actions = ["create_timeline", "start_compute"] as OperationAction[];
  return actions.map((action) => ({
    ...{ id: uuidOf(`${project_id} ${action}`), project_id, branch_id, endpoint_id, action },
    ...{ status: "finished" as OperationStatus, failures_count: 0, total_duration_ms: 0 },
    ...{ created_at, updated_at: created_at },
  }));
}

export function connection(row: ProjectRow, uri: string): ConnectionDetails {
  const { hostname: host } = new URL(uri);
  const { database: name, role: owner, password } = row;
  const parameters = { database: name, role: owner, password, host, pooler_host: host };
  return { connection_uri: uri, connection_parameters: parameters };
}

function hostOf(region: string): string {
  const [platform, ...place] = region.split("-");
  return `${place.join("-")}.${platform}.neon.tech`;
}

/** The same id whenever it is asked. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const cut = [0, 8, 12, 16, 20, 32];
  return cut
    .slice(1)
    .map((end, i) => hex.slice(cut[i], end))
    .join("-");
}
