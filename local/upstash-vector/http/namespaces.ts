import { VectorError } from "../errors.ts";
import { type Route, read } from "./route.ts";
import * as schemas from "./schemas.ts";

/** Sizes and settings of the index and its namespaces. */
export const info: Route = ({ index }) => {
  const { type, store, embedder } = index;
  const counts = store.namespaces().map(({ name, count }) => ({
    name,
    vectorCount: count,
    pendingVectorCount: index.pending(name),
  }));
  const dense = { dimension: embedder.dimension, similarityFunction: "COSINE" };
  return {
    vectorCount: counts.reduce((sum, { vectorCount }) => sum + vectorCount, 0),
    // Not the namespaces' sum: a namespace exists only when its first vector is stored.
    pendingVectorCount: index.pendingCount,
    indexSize: store.size(),
    dimension: type === "SPARSE" ? 0 : dense.dimension,
    similarityFunction: type === "SPARSE" ? "" : dense.similarityFunction,
    indexType: type,
    ...(type !== "SPARSE" && { denseIndex: { ...dense, embeddingModel: embedder.model } }),
    ...(type !== "DENSE" && { sparseIndex: { embeddingModel: "BM25" } }),
    namespaces: Object.fromEntries(counts.map(({ name, ...rest }) => [name, rest])),
  };
};

export const listNamespaces: Route = ({ index: { store } }) =>
  store.namespaces().map(({ name }) => name);

export const deleteNamespace: Route = ({ index: { store }, namespace: name }) => {
  if (name === "") throw new VectorError(422, "The default namespace cannot be deleted");
  store.clear(existing(store.namespace(name), name), { drop: true });
  return "Success";
};

export const renameNamespace: Route = ({ index: { store }, body }) => {
  const { namespace: name, newNamespace, deleteExisting } = read(schemas.rename, body);
  const namespace = existing(store.namespace(name), name);
  const taken = store.namespace(newNamespace);
  if (taken === namespace) return { renamed: false };
  if (taken !== undefined) {
    if (!deleteExisting) throw new VectorError(422, `Namespace ${newNamespace} already exists`);
    store.clear(taken, { drop: true });
  }
  store.rename(namespace, newNamespace);
  return { renamed: true };
};

function existing(namespace: number | undefined, name: string): number {
  if (namespace !== undefined) return namespace;
  throw new VectorError(404, `Namespace ${name} for the index local does not exist`);
}
