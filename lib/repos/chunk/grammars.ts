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
