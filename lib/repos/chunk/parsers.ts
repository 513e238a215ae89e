import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Parser } from "@vscode/tree-sitter-wasm";
import { fileOf, type TreeSitter, treeSitter } from "./tree-sitter.ts";

/** Parsers of one language, in an instance of the library that is their own. */
interface Parsers {
  readonly language: string;
  readonly library: Promise<TreeSitter>;
  /** By grammar: TypeScript has two. */
  readonly loaded: Map<string, Promise<Parser>>;
}

let current: Parsers | undefined;

/**
 * The parser of a language's grammar, loaded when it is needed. Those of the language before are let go: a grammar takes up to
 * 20 MB with what it has parsed, in each thread, and cannot be given back, but a whole instance of the library can. So files
 * should come one language after the other. Throws when a file of the library is not where it has to be.
 */
export function parserOf(language: string, grammar: string): Promise<Parser> {
  if (current?.language !== language) {
    // Nothing here may hold the ones before when garbage is collected.
    const isFirst = current === undefined;
    current = { language, library: treeSitter(), loaded: new Map() };
    if (!isFirst) collectGarbage();
  }
  const { library, loaded } = current;
  const parser = loaded.get(grammar) ?? load(library, grammar);
  loaded.set(grammar, parser);
  return parser;
}

async function load(library: Promise<TreeSitter>, grammar: string): Promise<Parser> {
  const { Language, Parser } = await library;
  const parser = new Parser();
  const binary = await readFile(fileOf(`tree-sitter-${grammar}.wasm`));
  parser.setLanguage(await Language.load(binary));
  // The library keeps it for as long as it lives, and needs it no more: up to 5 MB.
  binary.buffer.transfer(0);
  return parser;
}

let collect: (() => void) | undefined;

/** A parser's memory is freed with its last reference, and nothing tells the collector how much that is: it may take minutes. */
function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
