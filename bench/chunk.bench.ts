import { installPeers } from "./peers.ts";
import { type BenchResult, median, moreIsBetter } from "./result.ts";
import { measureSubject } from "./subject.ts";

const PEERS = {
  "@langchain/textsplitters": "1.0.2",
  "@langchain/core": "1.4.0",
  "js-tiktoken": "1.0.21",
};

/** MB of Markdown and of code: the peers are slow, and their speed does not depend on how much there is. */
const OUR_SIZE = 5;
const PEER_SIZE = 0.25;

/** Chunker speed with exact token counts, on real Markdown and code. */
export async function run(): Promise<BenchResult[]> {
  const dir = await installPeers("chunk", PEERS);
  const ours: number[] = [];
  const peers: Record<"tokens" | "recursive", number[]> = { tokens: [], recursive: [] };
  for (let round = 0; round < 3; round++) {
    ours.push(await speed("chunk-ours", `${OUR_SIZE}`));
    for (const kind of ["tokens", "recursive"] as const) {
      peers[kind].push(await speed("chunk-langchain", dir, kind, `${PEER_SIZE}`));
    }
  }
  const value = median(ours);
  const figure = { value, unit: "MB/s", bar: 10 };
  return [
    moreIsBetter({
      ...figure,
      what: "chunker, peer TokenTextSplitter",
      peer: median(peers.tokens),
    }),
    moreIsBetter({
      ...figure,
      what: "chunker, peer RecursiveCharacterTextSplitter by tokens",
      peer: median(peers.recursive),
    }),
  ];
}

async function speed(subject: string, ...args: readonly string[]): Promise<number> {
  return (await measureSubject<{ mbPerSecond: number }>(subject, args)).mbPerSecond;
}
