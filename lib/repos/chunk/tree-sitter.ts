import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

export type TreeSitter = typeof import("@vscode/tree-sitter-wasm");

let compiled: Promise<WebAssembly.Module> | undefined;

/** Has parsers use what another thread has compiled. */
export function useCompiled(parser: WebAssembly.Module): void {
  compiled = Promise.resolve(parser);
}

/** An instance of the library, with memory of its own. Throws when its files are not where they have to be. */
export async function treeSitter(): Promise<TreeSitter> {
  compiled ??= compileParser();
  const parser = await compiled;
  // It finds out where it runs by how it was loaded, and cannot be part of a bundle: it lies beside one as a file.
  const require = createRequire(import.meta.url);
  const file = fileOf("tree-sitter.js");
  const loaded: TreeSitter = require(file);
  delete require.cache[file];
  await loaded.Parser.init({
    instantiateWasm(
      imports: ConstructorParameters<typeof WebAssembly.Instance>[1],
      done: Instantiated,
    ) {
      const instance = new WebAssembly.Instance(parser, imports);
      done(instance, parser);
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
export function fileOf(name: string): string {
  const bundled = new URL(`./${name.replace(/\.js$/, ".cjs")}`, import.meta.url);
  if (existsSync(bundled)) return fileURLToPath(bundled);
  return fileURLToPath(import.meta.resolve(`@vscode/tree-sitter-wasm/wasm/${name}`));
}
