import { FusionAlgorithm, Index, type QueryResult, WeightingStrategy } from "@upstash/vector";
import { requiredEnv } from "../env.ts";

/** What every vector says about itself; the names are the data model's. */
export type VectorMetadata =
  | {
      projectId: string;
      type: "chunk";
      fileId: string;
      chunkId: string;
      /** -1 where the format has no pages: Upstash filters cannot say null. */
      pageStart: number;
      pageEnd: number;
    }
  | {
      projectId: string;
      type: "artifact";
      artifactKind: string;
      artifactKey: string;
      artifactVersion: number;
    }
  | {
      projectId: string;
      type: "code";
      repoId: string;
      path: string;
      language: string;
      commitSha: string;
      chunkStart: number;
      chunkEnd: number;
    };

export interface VectorText {
  readonly id: string;
  /** What Upstash embeds and returns; the index's own model does it. */
  readonly data: string;
  readonly metadata: VectorMetadata;
}

export type VectorHit = QueryResult<VectorMetadata>;

/** A person waits for a read; a write may embed a thousand texts. */
const READ_TIMEOUT_MS = 5_000;
const WRITE_TIMEOUT_MS = 120_000;

function connect(timeoutMs: number): () => Index<VectorMetadata> {
  let index: Index<VectorMetadata> | undefined;
  return () => {
    index ??= new Index<VectorMetadata>({
      url: requiredEnv("UPSTASH_VECTOR_REST_URL"),
      token: requiredEnv("UPSTASH_VECTOR_REST_TOKEN"),
      enableTelemetry: false,
      // Inngest repeats a step that failed; a second layer of retries would only hide how often.
      retry: false,
      signal: () => AbortSignal.timeout(timeoutMs),
    });
    return index;
  };
}

const reader = connect(READ_TIMEOUT_MS);
const writer = connect(WRITE_TIMEOUT_MS);

/** Namespaces of a project, exactly as the data model names them. */
export const namespaces = {
  chunks: (projectId: string) => `project:${projectId}:chunks`,
  artifacts: (projectId: string) => `project:${projectId}:artifacts`,
  repo: (projectId: string, repoId: string) => `project:${projectId}:repo:${repoId}`,
};

/** Writes or overwrites at most 1,000 texts. When it returns they are durable, and searchable soon after. */
export async function upsertTexts(namespace: string, texts: readonly VectorText[]): Promise<void> {
  if (texts.length === 0) return;
  await writer().upsert([...texts], { namespace });
}

/**
 * The best `topK` by meaning and by words together. Ranks are fused by DBSF, which keeps how much better a hit is and so
 * lets hits of several namespaces be compared; ranks alone (RRF) would make every namespace's first hit equal.
 */
export function queryText(namespace: string, text: string, topK: number): Promise<VectorHit[]> {
  return reader().query<VectorMetadata>(
    {
      data: text,
      topK,
      includeMetadata: true,
      includeData: true,
      fusionAlgorithm: FusionAlgorithm.DBSF,
      weightingStrategy: WeightingStrategy.IDF,
    },
    { namespace },
  );
}

/** At most so many of one request. */
const FETCHED = 100;

/** What was written under these ids, with its text; those that are not there are missing. */
export async function fetchTexts(namespace: string, ids: readonly string[]): Promise<VectorText[]> {
  const found: VectorText[] = [];
  for (let from = 0; from < ids.length; from += FETCHED) {
    const some = ids.slice(from, from + FETCHED);
    const options = { includeMetadata: true, includeData: true, namespace };
    for (const one of await reader().fetch<VectorMetadata>(some, options)) {
      if (one?.metadata === undefined || one.data === undefined) continue;
      found.push({ id: String(one.id), data: one.data, metadata: one.metadata });
    }
  }
  return found;
}

/** Removes by id; ids that are not there do not matter. */
export async function deleteVectors(namespace: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await writer().delete([...ids], { namespace });
}

/** Removes every vector of a file, also those whose rows are gone already. `fileId` must be an id of ours. */
export async function deleteFileVectors(projectId: string, fileId: string): Promise<void> {
  await writer().delete(
    { filter: `fileId = '${fileId}'` },
    { namespace: namespaces.chunks(projectId) },
  );
}

/** Removes what older versions of an artifact left. Kind and key must be names of ours: they become part of a filter. */
export async function retireArtifactVectors(artifact: {
  projectId: string;
  kind: string;
  logicalKey: string;
  version: number;
}): Promise<void> {
  const { projectId, kind, logicalKey, version } = artifact;
  const filter = `artifactKind = '${kind}' AND artifactKey = '${logicalKey}' AND artifactVersion < ${version}`;
  await writer().delete({ filter }, { namespace: namespaces.artifacts(projectId) });
}

/** How many vectors each namespace of a project has. */
export async function projectVectors(projectId: string): Promise<Record<string, number>> {
  const { namespaces: all } = await writer().info();
  const own = Object.entries(all).filter(([name]) => name.startsWith(`project:${projectId}:`));
  return Object.fromEntries(own.map(([name, { vectorCount }]) => [name, vectorCount]));
}

/** Removes all namespaces of a project. Can be repeated, also at the same time. */
export async function deleteProjectVectors(projectId: string): Promise<void> {
  const left = async () => {
    const all = await writer().listNamespaces();
    return all.filter((namespace) => namespace.startsWith(`project:${projectId}:`));
  };
  for (const namespace of await left()) {
    try {
      await writer().deleteNamespace(namespace);
    } catch (error) {
      // Upstash refuses to delete what is not there: a repeat that came first has done it.
      if ((await left()).includes(namespace)) throw error;
    }
  }
}

/** How many vectors of the namespace are accepted but cannot be found yet. */
export async function pendingVectors(namespace: string): Promise<number> {
  const info = await reader().info();
  return info.namespaces[namespace]?.pendingVectorCount ?? 0;
}

/** Throws when the vector store cannot be reached or refuses our token. */
export async function pingVectors(): Promise<void> {
  await reader().info();
}
