import { VectorError } from "../errors.ts";
import type { RecordChange } from "../store/store.ts";
import { mergePatch } from "./merge-patch.ts";
import { type Route, type RouteRequest, read } from "./route.ts";
import * as schemas from "./schemas.ts";
import { readRecordVectors, readVectors } from "./vectors.ts";

const text = (metadata: Record<string, unknown>) => JSON.stringify(metadata);

/** Stores vectors; when it answers they are on disk and can be found. */
export const upsert: Route = ({ index, namespace, body }) => {
  const records = read(schemas.upsert, body).map(({ id, metadata, data, ...vectors }) => ({
    id,
    ...readRecordVectors(vectors, index),
    ...(metadata && { metadata: text(metadata) }),
    ...(data && { data }),
  }));
  index.store.upsert(namespace, records);
  return "Success";
};

/** Embeds and stores texts. */
export const upsertData: Route = async ({ index, namespace, body }) => {
  const items = read(schemas.upsertData, body).map(({ id, data, metadata }) => ({
    id,
    data,
    ...(metadata && { metadata: text(metadata) }),
  }));
  await index.upsertData(namespace, items);
  return "Success";
};

/** Changes a vector, its data (which is embedded) or its metadata. */
export const update: Route = async ({ index, namespace, body }) => {
  const request = read(schemas.update, body);
  const { id, data, metadata, metadataUpdateMode } = request;
  if (data == null && metadata == null && !request.vector && !request.sparseVector) {
    throw new VectorError(422, "There is nothing to update");
  }
  const given = readVectors(request, index);
  if (index.type === "HYBRID" && !given.dense !== !given.sparse) {
    throw new VectorError(422, "A hybrid index needs both or none of vector and sparseVector");
  }
  if (!find(index.store, namespace, id)) return { updated: 0 };
  const embed = data != null && !given.dense && !given.sparse;
  const embedded = embed ? (await index.embedDocuments([data]))[0] : given;
  // Looked up again: it may have gone while its text was embedded.
  const record = find(index.store, namespace, id);
  if (!record) return { updated: 0 };
  const patched =
    metadata && metadataUpdateMode === "PATCH"
      ? mergePatch(JSON.parse(record.metadata ?? "{}"), metadata)
      : metadata;
  const change: RecordChange = {
    ...(embedded ?? given),
    ...(data != null && { data }),
    ...(patched !== null &&
      patched !== undefined && { metadata: text(read(schemas.metadata, patched)) }),
  };
  return { updated: index.store.update(record.namespace, id, change) ? 1 : 0 };
};

function find(store: RouteRequest["index"]["store"], name: string, id: string) {
  const namespace = store.namespace(name);
  if (namespace === undefined) return undefined;
  const record = store.byId(namespace, id, { metadata: true });
  return record && { namespace, metadata: record.metadata };
}

/** Deletes by ids, id prefix or metadata filter. */
export const remove: Route = ({ index, namespace: name, body }) => {
  // The API also takes a bare list of ids.
  const { ids, prefix, filter } = read(schemas.removal, Array.isArray(body) ? { ids: body } : body);
  const namespace = index.store.namespace(name);
  if (filter != null) return { deleted: index.removeMatching(namespace, filter) };
  if (namespace === undefined) return { deleted: 0 };
  const seqs = index.store.seqs(namespace, ids == null ? { prefix: prefix ?? "" } : { ids });
  index.store.remove(namespace, seqs);
  return { deleted: seqs.length };
};

/** Empties a namespace, or all of them with `?all`. */
export const reset: Route = ({ index: { store }, namespace: name, search }) => {
  const names = search.has("all") ? store.namespaces().map((each) => each.name) : [name];
  for (const each of names) {
    const namespace = store.namespace(each);
    if (namespace !== undefined) store.clear(namespace, { drop: false });
  }
  return "Success";
};
