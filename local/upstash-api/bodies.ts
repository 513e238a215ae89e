import type { DatabaseRow, IndexRow } from "./store.ts";

/** An index as the Developer API tells it. At Upstash the endpoint is the first part of a host's name, here it is a whole URL. */
export function index(row: IndexRow, { owner, url }: { owner: string; url: string }): object {
  const { id, name, region, token, settings, created_at } = row;
  return {
    ...{ customer_id: owner, id, name, region, ...settings, type: "payg" },
    ...{ endpoint: url, token, read_only_token: token, creation_time: created_at },
    ...{ max_vector_count: 1_000_000, max_daily_updates: -1, max_daily_queries: -1 },
    ...{ max_monthly_bandwidth: -1, max_writes_per_second: 1000, max_query_per_second: 1000 },
    ...{ max_reads_per_request: 1000, max_writes_per_request: 1000 },
    ...{ max_total_metadata_size: 53_687_091_200, reserved_price: 0 },
  };
}

/** A database as the Developer API tells it: all new ones are global ones. @param hide leaves out what opens it. */
export function database(
  row: DatabaseRow,
  { owner, url, hide = false }: { owner: string; url: string; hide?: boolean },
): object {
  const { id, name, region, token, read_only_token, created_at } = row;
  return {
    ...{ database_id: id, database_name: name, database_type: "Pay as You Go", user_email: owner },
    ...{ region: "global", primary_region: region, primary_members: [region] },
    ...{ all_members: [region], read_regions: [], port: 6379, tls: true, eviction: false },
    ...{ type: "paid", state: "active", modifying_state: "", creation_time: created_at },
    ...{ auto_upgrade: false, consistent: false, customer_id: owner, endpoint: url },
    ...(!hide && { password: token, rest_token: token, read_only_rest_token: read_only_token }),
  };
}
