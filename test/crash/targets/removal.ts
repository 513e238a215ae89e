import * as z from "zod";
import { infraResources } from "#db/schema.ts";
import { type ResourceType, TYPES } from "#lib/provision/types.ts";
import type { Providers } from "./providers.ts";
import type { OutsideObject, Target } from "./target.ts";

const one = z.object({ id: z.string() });
const neonProjects = z.object({ projects: z.array(one) });
const upstashResources = z.object({ indexes: z.array(one), databases: z.array(one) });

/** The row of a run's resource, which its input names. */
export const removedRow = (runId: string, type: ResourceType) =>
  `${runId}-${type.replace(".", "-")}`;

/** Removes three resources: each run finds them at their providers and on record, as an earlier run has made them. */
export function removalTarget(providers: Providers): Target {
  const { neon, upstash } = providers.control;
  const before = new Map<string, ReadonlyMap<ResourceType, string>>();

  async function made(name: string): Promise<Map<ResourceType, string>> {
    const { project } = z
      .object({ project: one })
      .parse(await neon("POST", "/api/v2/projects", { project: { name } }));
    const index = await upstash("POST", "/v2/vector/index", {
      ...{ name, region: "us-east-1", similarity_function: "COSINE", dimension_count: 0 },
      ...{ index_type: "HYBRID", embedding_model: "BGE_M3", sparse_embedding_model: "BM25" },
    });
    const { database_id } = z.object({ database_id: z.string() }).parse(
      await upstash("POST", "/v2/redis/database", {
        ...{ database_name: name, platform: "aws", primary_region: "us-east-1" },
      }),
    );
    return new Map<ResourceType, string>([
      ["neon.project", project.id],
      ["upstash.vector", one.parse(index).id],
      ["upstash.redis", database_id],
    ]);
  }

  return {
    ...providers,
    effects: 3,
    approvals: 1,
    ends: "succeeded",
    async prepare({ database, projectId, runId }) {
      const all = await made(runId);
      before.set(runId, all);
      await database.insert(infraResources).values(
        [...all].map(([type, externalId]) => {
          const { provider, resourceType } = TYPES[type];
          const id = removedRow(runId, type);
          const metadata = { mode: "automated", name: id };
          return { id, projectId, provider, resourceType, externalId, metadata };
        }),
      );
    },
    async left(runId) {
      const { projects } = neonProjects.parse(await neon("GET", "/_local/projects"));
      const { indexes, databases } = upstashResources.parse(
        await upstash("GET", "/_local/resources"),
      );
      const there = new Set([...projects, ...indexes, ...databases].map(({ id }) => id));
      const objects: OutsideObject[] = [];
      const wrong: string[] = [];
      for (const [type, id] of before.get(runId) ?? []) {
        if (there.has(id)) wrong.push(`the ${TYPES[type].title} is there still`);
        else objects.push({ id, marker: null, kind: `${type}.removal` });
      }
      return { objects, wrong };
    },
  };
}
