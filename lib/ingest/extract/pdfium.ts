import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { init } from "@embedpdf/pdfium";

/** The part of WebAssembly that we use: TypeScript has it among the browser's types alone, which we do not load. */
declare namespace WebAssembly {
  type Module = object;
  type Imports = Record<string, Record<string, unknown>>;
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    readonly exports: object;
    constructor(module: Module, imports: Imports);
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}

/** A compiled PDFium. */
export type CompiledPdfium = WebAssembly.Module;

/** The C functions of PDFium that we call (public/fpdfview.h, fpdf_text.h), with numbers for pointers and handles. */
export interface Pdfium {
  readonly memory: WebAssembly.Memory;
  malloc(bytes: number): number;
  free(pointer: number): void;
  FPDF_LoadMemDocument64(data: number, bytes: number, password: number): number;
  FPDF_GetLastError(): number;
  FPDF_GetPageCount(document: number): number;
  FPDF_GetMetaText(document: number, tag: number, buffer: number, bytes: number): number;
  FPDF_LoadPage(document: number, index: number): number;
  FPDF_ClosePage(page: number): void;
  FPDFPage_CountObjects(page: number): number;
  FPDFText_LoadPage(page: number): number;
  FPDFText_ClosePage(textPage: number): void;
  FPDFText_CountChars(textPage: number): number;
  FPDFText_GetText(textPage: number, start: number, count: number, buffer: number): number;
  FPDFText_GetCharIndexFromTextIndex(textPage: number, textIndex: number): number;
  FPDFText_GetLooseCharBox(textPage: number, charIndex: number, rect: number): number;
  FPDFText_GetFontSize(textPage: number, charIndex: number): number;
  FPDFText_GetMatrix(textPage: number, charIndex: number, matrix: number): number;
}

export interface LoadedPdfium {
  readonly api: Pdfium;
  /** Whether PDFium asked for more memory than it may have. It can go on after that, with pages missing. */
  outOfMemory(): boolean;
}

/**
 * Compiles PDFium. Beside a bundle the file lies next to it, otherwise it is where the package is installed.
 */
export async function compilePdfium(): Promise<CompiledPdfium> {
  const bundled = new URL("./pdfium.wasm", import.meta.url);
  const url = existsSync(bundled) ? bundled : import.meta.resolve("@embedpdf/pdfium/pdfium.wasm");
  return WebAssembly.compile(await readFile(fileURLToPath(url)));
}

/** Starts a PDFium whose memory never grows past `maxBytes`. */
export async function startPdfium(module: CompiledPdfium, maxBytes: number): Promise<LoadedPdfium> {
  let outOfMemory = false;
  const quiet = () => {
    // What PDFium prints about damaged files is told again, and better, by the error codes.
  };
  const instantiateWasm = (
    imports: WebAssembly.Imports,
    done: (i: WebAssembly.Instance) => void,
  ) => {
    const env = { ...imports.env };
    const grow = env.emscripten_resize_heap;
    env.emscripten_resize_heap = (bytes: number) => {
      if (bytes >>> 0 > maxBytes) {
        outOfMemory = true;
        return 0;
      }
      return typeof grow === "function" ? grow(bytes) : 0;
    };
    const instance = new WebAssembly.Instance(module, { ...imports, env });
    done(instance);
    return instance.exports;
  };
  const overrides = { instantiateWasm, print: quiet, printErr: quiet };
  const started = await init(overrides as Parameters<typeof init>[0]);
  started.PDFiumExt_Init();
  const api = started.pdfium.wasmExports as unknown as Pdfium;
  return { api, outOfMemory: () => outOfMemory };
}
