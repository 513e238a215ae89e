import { z } from "zod";

// Limits that Upstash documents: 48 KB of metadata, 1 MB of data, 1,000 vectors a request, 1,000 results,
// 1,000 non-zero dimensions. The length of ids and filters is bounded by us.
const MAX_METADATA = 48 * 1024;
const MAX_DATA = 1024 * 1024;
const MAX_COUNT = 1_000;
const MAX_ID = 1_024;
const MAX_FLOAT32 = 3.4028234663852886e38;

const float = z.number().min(-MAX_FLOAT32).max(MAX_FLOAT32);
const id = z
  .union([z.string().min(1, "must not be empty").max(MAX_ID), z.number()])
  .transform(String);
const bytes = (text: string) => Buffer.byteLength(text);
const data = z
  .string()
  .refine((text) => text.trim() !== "", "must not be empty")
  .refine((text) => bytes(text) <= MAX_DATA, `must not exceed ${MAX_DATA} bytes`);
export const metadata = z
  .record(z.string(), z.unknown())
  .refine(
    (value) => bytes(JSON.stringify(value)) <= MAX_METADATA,
    `must not exceed ${MAX_METADATA} bytes`,
  );
const sparseVector = z
  .object({
    indices: z.array(z.int32()).min(1, "must not be empty").max(MAX_COUNT),
    values: z.array(float).max(MAX_COUNT),
  })
  .refine(
    ({ indices, values }) => indices.length === values.length,
    "must have as many indices as values",
  );
const vectors = {
  vector: z.array(float).min(1, "must not be empty").nullish(),
  sparseVector: sparseVector.nullish(),
};
const include = {
  includeVectors: z.boolean().nullish(),
  includeMetadata: z.boolean().nullish(),
  includeData: z.boolean().nullish(),
};
const prefix = z.string().min(1, "must not be empty").max(MAX_ID);
const count = z.int().min(1).max(MAX_COUNT);

/** One object or a list of them, always given back as a list. */
function oneOrMany<T extends z.ZodType>(item: T) {
  return z.preprocess(
    (value) => (Array.isArray(value) ? value : [value]),
    z.array(item).min(1, "must not be empty").max(MAX_COUNT),
  );
}

export const upsert = oneOrMany(
  z.object({ id, ...vectors, metadata: metadata.nullish(), data: data.nullish() }),
);

export const upsertData = oneOrMany(z.object({ id, data, metadata: metadata.nullish() }));

const queryOptions = {
  ...include,
  topK: count.nullish().transform((topK) => topK ?? 10),
  filter: z.string().nullish(),
  weightingStrategy: z.enum(["IDF"]).nullish(),
  fusionAlgorithm: z.enum(["RRF", "DBSF"]).nullish(),
  queryMode: z.enum(["HYBRID", "DENSE", "SPARSE"]).nullish(),
};
const maxIdle = z
  .number()
  .positive()
  .max(24 * 3600)
  .nullish();

const query = z.object({ ...vectors, ...queryOptions });
const queryText = z.object({ data, ...queryOptions });
export const queries = oneOrMany(query);
export const textQueries = oneOrMany(queryText);
export const resumableQuery = query.extend({ maxIdle });
export const resumableTextQuery = queryText.extend({ maxIdle });
export const resume = z.object({ uuid: z.string(), additionalK: count });
export const stop = z.object({ uuid: z.string() });

export const fetchRecords = z
  .object({
    ids: z.array(id).max(MAX_COUNT).nullish(),
    prefix: prefix.nullish(),
    ...include,
  })
  .refine(
    ({ ids, prefix }) => (ids == null) !== (prefix == null),
    "Only one of ids or prefix must be provided.",
  );

export const removal = z
  .object({
    ids: z.array(id).max(MAX_COUNT).nullish(),
    prefix: prefix.nullish(),
    filter: z.string().min(1, "must not be empty").nullish(),
  })
  .refine(
    ({ ids, prefix, filter }) => [ids, prefix, filter].filter((by) => by != null).length === 1,
    "Only and only one of the ids, prefix, or filter must be provided.",
  );

export const range = z.object({
  cursor: z
    .union([z.literal(""), z.string().regex(/^\d{1,15}$/, "is not a cursor"), z.int().min(0)])
    .transform(Number),
  prefix: prefix.nullish(),
  limit: count,
  ...include,
});

export const update = z.object({
  id,
  ...vectors,
  data: data.nullish(),
  metadata: metadata.nullish(),
  metadataUpdateMode: z.enum(["PATCH", "OVERWRITE"]).nullish(),
});

export const rename = z.object({
  namespace: z.string().min(1, "The default namespace cannot be renamed"),
  newNamespace: z.string().min(1, "must not be empty").max(MAX_ID),
  deleteExisting: z.boolean().nullish(),
});
