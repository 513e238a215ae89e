import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Index } from "@upstash/vector";
import { startPartProcess } from "../local/process.ts";
import { timed } from "./figures.ts";
import { type BenchResult, lessIsBetter, quantile } from "./result.ts";
import { generatedVector } from "./vectors.ts";

const ENTRY = join(import.meta.dirname, "../local/upstash-vector/main.ts");
const BATCH = 500;
const QUERIES = 200;
const WARM_UP = 20;

/** Words that queries are made of; each query is new, so that no cache of embeddings answers for it. */
const WORDS =
  "approval ledger retry timeout budget schema deploy audit token policy chunk vector".split(" ");

/** Top-10 hybrid search through the real client, the query sent as text: its embedding is part of the time. */
export async function run(): Promise<BenchResult[]> {
  return [
    ...(await measure({ chunks: 10_000, namespaces: 10, bar: 25 })),
    ...(await measure({ chunks: 100_000, namespaces: 10, bar: 25 })),
    ...(await measure({ chunks: 100_000, namespaces: 1, bar: 100 })),
  ];
}

interface Setting {
  readonly chunks: number;
  readonly namespaces: number;
  /** p95 in ms. */
  readonly bar: number;
}

async function measure({ chunks, namespaces, bar }: Setting): Promise<BenchResult[]> {
  const dir = await mkdtemp(join(tmpdir(), "bench-search-"));
  const server = await startPartProcess(ENTRY, { dir });
  try {
    const index = new Index({
      url: server.url,
      token: server.env.UPSTASH_VECTOR_REST_TOKEN ?? "",
    });
    const { dimension } = await index.info();
    const namespace = (number: number) => index.namespace(`project:p${number}:chunks`);
    for (let from = 0; from < chunks; from += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, i) => generatedVector(from + i, dimension));
      await namespace((from / BATCH) % namespaces).upsert(batch);
    }
    const search = async (number: number) => {
      const data = `${WORDS[number % WORDS.length]} ${WORDS[(number * 7) % WORDS.length]} ${number}`;
      const found = await namespace(number % namespaces).query({ data, topK: 10 });
      if (found.length !== 10) throw new Error(`A search found ${found.length} of 10.`);
    };
    for (let number = 0; number < WARM_UP; number++) await search(number);
    const times: number[] = [];
    for (let number = WARM_UP; number < WARM_UP + QUERIES; number++) {
      times.push(await timed(() => search(number)));
    }
    const what = `top-10 search, ${chunks} chunks in ${namespaces} namespace${namespaces > 1 ? "s" : ""}`;
    return [
      lessIsBetter({ what: `${what}, p50`, value: quantile(times, 0.5), unit: "ms" }),
      lessIsBetter({ what: `${what}, p95`, value: quantile(times, 0.95), unit: "ms", bar }),
    ];
  } finally {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  }
}
