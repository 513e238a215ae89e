import { randomUUID } from "node:crypto";
import { VectorError } from "../errors.ts";
import type { Content, PreparedQuery, VectorIndex } from "../index.ts";
import type { Columns } from "../store/rows.ts";
import { prepare, showHits } from "./reads.ts";
import { type Route, read } from "./route.ts";
import * as schemas from "./schemas.ts";
import { columns, readVectors } from "./vectors.ts";

const MAX_ACTIVE = 100;
/** Upstash's default, in seconds. */
const MAX_IDLE = 3_600;

interface Running {
  readonly query: PreparedQuery;
  readonly columns: Columns;
  readonly maxIdleMs: number;
  /** Records already given; the next batch is the best of the others, as the index is then. */
  readonly given: Set<number>;
  usedAt: number;
}

/** The resumable queries of one server. They live in memory: after a restart they are unknown. */
export function resumableRoutes(now: () => number = Date.now): Record<string, Route> {
  const running = new Map<string, Running>();

  const dropIdle = () => {
    for (const [uuid, { usedAt, maxIdleMs }] of running) {
      if (now() - usedAt > maxIdleMs) running.delete(uuid);
    }
  };

  const find = (uuid: string) => {
    dropIdle();
    const found = running.get(uuid);
    if (!found) throw new VectorError(404, `Resumable query ${uuid} does not exist`);
    return found;
  };

  const next = async (index: VectorIndex, query: Running, k: number) => {
    query.usedAt = now();
    const hits = await index.run(query.query, k, query.given);
    return showHits(index, hits, query.columns);
  };

  type Start = ReturnType<typeof schemas.resumableQuery.parse>;
  const start = async (
    index: VectorIndex,
    namespace: string,
    content: Content,
    request: Omit<Start, "vector" | "sparseVector">,
  ) => {
    const query = await prepare(index, namespace, content, request);
    dropIdle();
    if (running.size >= MAX_ACTIVE) {
      throw new VectorError(422, `There are ${MAX_ACTIVE} active resumable queries: stop some`);
    }
    const started: Running = {
      query,
      columns: columns(request),
      maxIdleMs: 1_000 * (request.maxIdle ?? MAX_IDLE),
      given: new Set(),
      usedAt: now(),
    };
    const uuid = randomUUID();
    running.set(uuid, started);
    return { uuid, scores: await next(index, started, request.topK) };
  };

  return {
    "resumable-query": ({ index, namespace, body }) => {
      const request = read(schemas.resumableQuery, body);
      return start(index, namespace, readVectors(request, index), request);
    },
    "resumable-query-data": ({ index, namespace, body }) => {
      const request = read(schemas.resumableTextQuery, body);
      return start(index, namespace, { data: request.data }, request);
    },
    "resumable-query-next": ({ index, body }) => {
      const { uuid, additionalK } = read(schemas.resume, body);
      return next(index, find(uuid), additionalK);
    },
    "resumable-query-end": ({ body }) => {
      const { uuid } = read(schemas.stop, body);
      find(uuid);
      running.delete(uuid);
      return "Success";
    },
  };
}
