import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
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

/** The library, loaded when it is first needed. Throws when its files are not where they have to be. */
export function treeSitter(): Promise<TreeSitter> {
  started ??= start();
  return started;
}

async function start(): Promise<TreeSitter> {
  // It finds out where it runs by how it was loaded, and cannot be part of a bundle: it lies beside one as a file.
  const loaded: TreeSitter = createRequire(import.meta.url)(fileOf("tree-sitter.js"));
  const options = { wasmBinary: await readFile(fileOf("tree-sitter.wasm")) };
  await loaded.Parser.init(options as unknown as Parameters<typeof loaded.Parser.init>[0]);
  return loaded;
}

/** A file of the library: beside a bundle, where scripts are `.cjs`, otherwise where the package is installed. */
function fileOf(name: string): string {
  const bundled = new URL(`./${name.replace(/\.js$/, ".cjs")}`, import.meta.url);
  if (existsSync(bundled)) return fileURLToPath(bundled);
  return fileURLToPath(import.meta.resolve(`@vscode/tree-sitter-wasm/wasm/${name}`));
}
