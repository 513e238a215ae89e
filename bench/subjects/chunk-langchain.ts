import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { corpus } from "../corpus.ts";
import { cpuTimed, reportFigures } from "../figures.ts";

/** What we call of the peer, as its documentation shows it. */
interface Splitter {
  splitText(text: string): Promise<string[]>;
}
interface Peer {
  TokenTextSplitter: new (options: object) => Splitter;
  RecursiveCharacterTextSplitter: new (options: object) => Splitter;
}
interface Tiktoken {
  getEncoding(name: string): { encode(text: string, ...special: string[][]): number[] };
}

const [dir = "", kind = "", megabytes = "1"] = process.argv.slice(2);
const resolve = createRequire(join(dir, "package.json")).resolve;
const peer: Peer = await import(pathToFileURL(resolve("@langchain/textsplitters")).href);
const tiktoken: Tiktoken = await import(pathToFileURL(resolve("js-tiktoken")).href);

const { documents, bytes } = corpus(Number(megabytes));
const options = { chunkSize: 400, chunkOverlap: 0 };
const encoding = tiktoken.getEncoding("o200k_base");
// It would fetch its encoding from a website on first use: the same one from js-tiktoken's package instead.
const splitter =
  kind === "tokens"
    ? Object.assign(new peer.TokenTextSplitter({ ...options, disallowedSpecial: [] }), {
        tokenizer: encoding,
      })
    : new peer.RecursiveCharacterTextSplitter({
        ...options,
        lengthFunction: (text: string) => encoding.encode(text, [], []).length,
      });
let chunks = 0;

async function run() {
  chunks = 0;
  for (const document of documents) {
    for (const { text } of document.pages) chunks += (await splitter.splitText(text)).length;
  }
}

await run();
reportFigures({ mbPerSecond: bytes / 1000 / (await cpuTimed(run)), chunks });
