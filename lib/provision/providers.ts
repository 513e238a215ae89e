import type { ResourcePart, ResourceType } from "./types.ts";

/** A resource as its provider shows it. */
export interface ProviderFacts {
  readonly id: string;
  readonly name: string;
  readonly region: string;
}

/** What can be done with one type of resource. Errors are those of the provider's room. */
export interface Provider {
  read(id: string, signal: AbortSignal): Promise<ProviderFacts | null>;
  find(name: string, signal: AbortSignal): Promise<ProviderFacts | null>;
  create(wanted: { name: string; region: string }, signal: AbortSignal): Promise<ProviderFacts>;
  remove(id: string, signal: AbortSignal): Promise<void>;
  /** Secrets: used where they are fetched, never returned from a step, stored or logged. */
  values(id: string, signal: AbortSignal): Promise<Partial<Record<ResourcePart, string>>>;
  /** Really connects. Throws when that does not work. */
  test(id: string, signal: AbortSignal): Promise<unknown>;
}

/** Loaded by the step that needs it: the clients are large. */
export async function providerOf(type: ResourceType): Promise<Provider> {
  if (type === "neon.project") {
    const neon = await import("../neon/projects.ts");
    return {
      read: neon.readNeonProject,
      find: neon.findNeonProject,
      create: neon.createNeonProject,
      remove: neon.deleteNeonProject,
      values: async (id, signal) => ({ url: await neon.neonConnectionString(id, signal) }),
      test: neon.testNeon,
    };
  }
  if (type === "upstash.vector") {
    const vector = await import("../upstash/management-vector.ts");
    return {
      read: vector.readVectorIndex,
      find: vector.findVectorIndex,
      create: vector.createVectorIndex,
      remove: vector.deleteVectorIndex,
      values: vector.vectorCredentials,
      test: vector.testVectorIndex,
    };
  }
  const redis = await import("../upstash/redis.ts");
  return {
    read: redis.readRedis,
    find: redis.findRedis,
    create: redis.createRedis,
    remove: redis.deleteRedis,
    values: redis.redisCredentials,
    test: redis.testRedis,
  };
}
