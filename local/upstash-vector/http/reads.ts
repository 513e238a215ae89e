import type { z } from "zod";
import { shortestFloat32 } from "../float32.ts";
import type { Content, PreparedQuery, VectorIndex } from "../index.ts";
import type { Columns } from "../store/rows.ts";
import type { Hit } from "../types.ts";
import { type Route, read } from "./route.ts";
import * as schemas from "./schemas.ts";
import { columns, readVectors, showRecord } from "./vectors.ts";

type QueryOptions = Omit<z.output<typeof schemas.queries>[number], "vector" | "sparseVector">;

/** Queries by vectors, one or a batch. */
export const query: Route = async ({ index, namespace, body }) => {
  const requests = read(schemas.queries, body);
  return many(requests, async (request) =>
    runQuery(index, namespace, readVectors(request, index), request),
  );
};

/** Queries by text, one or a batch. */
export const queryData: Route = async ({ index, namespace, body }) => {
  const requests = read(schemas.textQueries, body);
  return many(requests, async (request) =>
    runQuery(index, namespace, { data: request.data }, request),
  );
};

/** A batch of one is answered like a single query, as Upstash does. */
async function many<T>(requests: readonly T[], run: (request: T) => Promise<unknown>) {
  const results = await Promise.all(requests.map(run));
  return results.length === 1 ? results[0] : results;
}

async function runQuery(
  index: VectorIndex,
  namespace: string,
  content: Content,
  request: QueryOptions,
) {
  const prepared = await prepare(index, namespace, content, request);
  return showHits(index, await index.run(prepared, request.topK), columns(request));
}

/** A query ready to run. Throws a 422 for what the index cannot answer. */
export function prepare(
  index: VectorIndex,
  namespace: string,
  content: Content,
  { filter, weightingStrategy, fusionAlgorithm, queryMode }: QueryOptions,
): Promise<PreparedQuery> {
  return index.prepare(namespace, content, {
    weighted: weightingStrategy === "IDF",
    fusion: fusionAlgorithm ?? "RRF",
    mode: queryMode ?? "HYBRID",
    ...(filter && { filter }),
  });
}

/** Results as the API shows them. */
export function showHits({ store }: VectorIndex, hits: readonly Hit[], wanted: Columns) {
  return hits.flatMap(({ seq, score }) => {
    const record = store.bySeq(seq, wanted);
    if (!record) return [];
    const { id, ...rest } = showRecord(record);
    return [{ id, score: shortestFloat32(score), ...rest }];
  });
}

/** Records by id, null for each that there is not, or by id prefix. */
export const fetchRecords: Route = ({ index: { store }, namespace: name, body }) => {
  const request = read(schemas.fetchRecords, body);
  const namespace = store.namespace(name);
  if (request.ids) {
    return request.ids.map((id) => {
      const record =
        namespace === undefined ? undefined : store.byId(namespace, id, columns(request));
      return record ? showRecord(record) : null;
    });
  }
  if (namespace === undefined) return [];
  const all = { prefix: request.prefix ?? "", from: 0, limit: 1_000 };
  return store.range(namespace, all, columns(request)).map(showRecord);
};

/** A page of a namespace in the order of first insertion; the cursor is the position it goes on from. */
export const range: Route = ({ index: { store }, namespace: name, body }) => {
  const request = read(schemas.range, body);
  const namespace = store.namespace(name);
  if (namespace === undefined) return { nextCursor: "", vectors: [] };
  const { cursor: from, limit, prefix } = request;
  const page = { prefix: prefix ?? "", from, limit: limit + 1 };
  const records = store.range(namespace, page, columns(request));
  const last = records[limit - 1];
  return {
    // One more than was asked for was read, only to know whether there is more.
    nextCursor: records.length > limit && last ? String(last.position + 1) : "",
    vectors: records.slice(0, limit).map(showRecord),
  };
};

/** Some record with its vectors, or null. */
export const random: Route = ({ index: { store }, namespace: name }) => {
  const namespace = store.namespace(name);
  const record = namespace === undefined ? undefined : store.random(namespace, { vectors: true });
  return record ? showRecord(record) : null;
};
