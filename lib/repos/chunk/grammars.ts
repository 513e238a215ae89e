import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Parser } from "@vscode/tree-sitter-wasm";

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
let started: Promise<typeof import("@vscode/tree-sitter-wasm")> | undefined;

/** The parser of a grammar, loaded when it is first needed and kept. */
export function parserOf(grammar: string): Promise<Parser> {
  const known = parsers.get(grammar) ?? load(grammar);
  parsers.set(grammar, known);
  return known;
}

async function load(grammar: string): Promise<Parser> {
  started ??= start();
  const { Language, Parser } = await started;
  const parser = new Parser();
  parser.setLanguage(await Language.load(await wasm(`tree-sitter-${grammar}.wasm`)));
  return parser;
}

async function start(): Promise<typeof import("@vscode/tree-sitter-wasm")> {
  const loaded = await import("@vscode/tree-sitter-wasm");
  // CommonJS: its names are on the default export where nobody has bundled it.
  const library = "default" in loaded ? (loaded.default as typeof loaded) : loaded;
  const options = { wasmBinary: await wasm("tree-sitter.wasm") };
  await library.Parser.init(options as unknown as Parameters<typeof library.Parser.init>[0]);
  return library;
}

/** Beside a bundle the file lies next to it, otherwise it is where the package is installed. */
async function wasm(name: string): Promise<Uint8Array> {
  const bundled = new URL(`./${name}`, import.meta.url);
  const installed = `@vscode/tree-sitter-wasm/wasm/${name}`;
  const url = existsSync(bundled) ? bundled : import.meta.resolve(installed);
  return await readFile(fileURLToPath(url));
}
