import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import type { Parser } from "@vscode/tree-sitter-wasm";

type TreeSitter = typeof import("@vscode/tree-sitter-wasm");

/** The grammars that come with us, by the names of languages.ts; C is read as the C++ that nearly all of it is. */
const GRAMMARS: Readonly<Record<string, string>> = {
  bash: "bash",
  c: "cpp",
  cpp: "cpp",
  csharp: "c-sharp",
  css: "css",
  go: "go",
  java: "java",
  javascript: "javascript",
  php: "php",
  powershell: "powershell",
  python: "python",
  ruby: "ruby",
  rust: "rust",
  typescript: "typescript",
};

/** In JSX a `<` means something else: its grammar is one of its own. */
export function grammarOf(language: string, path: string): string | null {
  if (language === "typescript" && path.endsWith(".tsx")) return "tsx";
  return Object.hasOwn(GRAMMARS, language) ? (GRAMMARS[language] ?? null) : null;
}

/** Every grammar's name, for the build, which puts their files beside the bundle. */
export const GRAMMAR_NAMES: readonly string[] = [...new Set([...Object.values(GRAMMARS), "tsx"])];

const parsers = new Map<string, Promise<Parser>>();
let started: Promise<TreeSitter> | undefined;

/** The parser of a grammar, loaded when it is first needed and kept. */
export function parserOf(grammar: string): Promise<Parser> {
  const known = parsers.get(grammar) ?? load(grammar);
  parsers.set(grammar, known);
  return known;
}

async function load(grammar: string): Promise<Parser> {
  const { Language, Parser } = await treeSitter();
  const parser = new Parser();
  parser.setLanguage(await Language.load(await readFile(fileOf(`tree-sitter-${grammar}.wasm`))));
  return parser;
}

/**
 * The library, loaded when it is first needed. Throws when its files are not where they have to be.
 * @param parser its WebAssembly, when that is compiled already; heeded the first time
 */
export function treeSitter(parser?: WebAssembly.Module): Promise<TreeSitter> {
  started ??= start(parser);
  return started;
}

async function start(parser?: WebAssembly.Module): Promise<TreeSitter> {
  // It finds out where it runs by how it was loaded, and cannot be part of a bundle: it lies beside one as a file.
  const loaded: TreeSitter = createRequire(import.meta.url)(fileOf("tree-sitter.js"));
  const compiled = parser ?? (await compileParser());
  await loaded.Parser.init({
    instantiateWasm(
      imports: ConstructorParameters<typeof WebAssembly.Instance>[1],
      done: Instantiated,
    ) {
      const instance = new WebAssembly.Instance(compiled, imports);
      done(instance, compiled);
      return instance.exports;
    },
  } as unknown as Parameters<typeof loaded.Parser.init>[0]);
  return loaded;
}

type Instantiated = (instance: WebAssembly.Instance, compiled: WebAssembly.Module) => void;

/**
 * The parser's WebAssembly, for the threads that parse; from then on the process optimises no other. The parser is small and
 * does most of the work. The grammars are large and do little: optimising ten of them takes 200 MB at once and saves no time.
 * V8 has these switches for the whole process and for no single module: they are read when one is compiled, or a function of
 * one that is not compiled whole.
 */
export async function compileParser(): Promise<WebAssembly.Module> {
  const binary = await readFile(fileOf("tree-sitter.wasm"));
  flags("--no-wasm-lazy-compilation", "--wasm-tier-up", "--wasm-dynamic-tiering");
  try {
    // While this thread waits, so that nothing else of it is compiled in between.
    return new WebAssembly.Module(binary);
  } finally {
    flags("--wasm-lazy-compilation", "--no-wasm-tier-up", "--no-wasm-dynamic-tiering");
  }
}

function flags(...names: string[]): void {
  for (const name of names) setFlagsFromString(name);
}

/** A file of the library: beside a bundle, where scripts are `.cjs`, otherwise where the package is installed. */
function fileOf(name: string): string {
  const bundled = new URL(`./${name.replace(/\.js$/, ".cjs")}`, import.meta.url);
  if (existsSync(bundled)) return fileURLToPath(bundled);
  return fileURLToPath(import.meta.resolve(`@vscode/tree-sitter-wasm/wasm/${name}`));
}
