/** What a target app can be given. */
export const RESOURCE_TYPES = ["neon.project", "upstash.vector", "upstash.redis"] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

/** What is to be known of a resource to use it: secrets, so they are fetched where they are used and never kept. */
export const PARTS = ["url", "token"] as const;
export type ResourcePart = (typeof PARTS)[number];

interface Facts {
  /** For people. */
  readonly title: string;
  /** As `infra_resources` names them. */
  readonly provider: "neon" | "upstash";
  readonly resourceType: string;
  readonly region: string;
  /** The parts that it has, and the variables in which its own client looks for them. */
  readonly variables: Readonly<Partial<Record<ResourcePart, string>>>;
  /** Where a person makes one. */
  readonly console: string;
}

export const TYPES: Readonly<Record<ResourceType, Facts>> = {
  "neon.project": {
    title: "Neon project",
    provider: "neon",
    resourceType: "db_project",
    region: "aws-us-east-1",
    variables: { url: "DATABASE_URL" },
    console: "https://console.neon.tech",
  },
  "upstash.vector": {
    title: "Upstash vector index",
    provider: "upstash",
    resourceType: "vector_index",
    region: "us-east-1",
    variables: { url: "UPSTASH_VECTOR_REST_URL", token: "UPSTASH_VECTOR_REST_TOKEN" },
    console: "https://console.upstash.com/vector",
  },
  "upstash.redis": {
    title: "Upstash Redis database",
    provider: "upstash",
    resourceType: "redis_db",
    region: "us-east-1",
    variables: { url: "UPSTASH_REDIS_REST_URL", token: "UPSTASH_REDIS_REST_TOKEN" },
    console: "https://console.upstash.com/redis",
  },
};

export function variablesOf(type: ResourceType): Facts["variables"] {
  return TYPES[type].variables;
}
