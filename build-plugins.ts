import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/** CommonJS in a bundle still calls require(), which an ES module does not have, for Node's own modules. */
export const requireBanner = {
  js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
};

/**
 * The Inngest SDK loads a 60 KB Temporal polyfill for one thing: what time it is, as text, when it is given a
 * Temporal.Duration. This says that in a line. The build fails when the SDK begins to use more of it.
 */
export const smallTemporal: Plugin = {
  name: "small-temporal",
  setup({ onResolve, onLoad }) {
    const used = 'Temporal.Now.plainDateTimeISO("UTC").toString()';
    const namespace = "small-temporal";
    onResolve({ filter: /^temporal-polyfill$/ }, ({ path }) => ({ path, namespace }));
    onLoad({ filter: /.*/, namespace }, () => ({
      contents: `export const Temporal = {
        Now: { plainDateTimeISO: () => new Date().toISOString().slice(0, -1) },
      };`,
    }));
    onLoad({ filter: /[\\/]inngest[\\/].*\.js$/ }, async ({ path }) => {
      const contents = await readFile(path, "utf8");
      if (!contents.includes('from "temporal-polyfill"')) return undefined;
      const others = contents.replaceAll(used, "").match(/(?<!["'])\bTemporal\.\w+/g);
      if (!others) return undefined;
      return {
        errors: [{ text: `build.ts replaces Temporal, which lacks ${others.join(", ")}.` }],
      };
    });
  },
};

/**
 * The Neon driver is a fifth of a function's code, and the first query is the first to need it: its names are getters that
 * load it from `neon.js` beside the bundle.
 */
export const lazyNeonDriver: Plugin = {
  name: "lazy-neon-driver",
  setup({ onResolve, onLoad }) {
    const namespace = "lazy-neon-driver";
    onResolve({ filter: /^@neondatabase\/serverless$/ }, ({ path, kind }) =>
      kind === "entry-point" ? undefined : { path, namespace },
    );
    onResolve({ filter: /^\.\/neon\.js$/, namespace }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /.*/, namespace }, async () => {
      const names = Object.keys(await import("@neondatabase/serverless"));
      const getters = names.map((name) => `get ${name}() { return driver().${name}; }`);
      return {
        contents: `let loaded;
          const driver = () => (loaded ??= require("./neon.js"));
          module.exports = { ${getters.join(", ")} };`,
        loader: "js",
      };
    });
  },
};

/**
 * The AI SDK and Vercel's sandbox SDK need the whole of zod, with its messages in fifty languages, and sharing it would put that
 * into every cold start; the clients of Vercel's and Neon's APIs are large by themselves. So each is a bundle of its own, with a
 * zod of its own, which its first use loads.
 */
export const lateSdks: Plugin = {
  name: "late-sdks",
  setup({ onResolve }) {
    onResolve({ filter: /\/(?:ai|vercel|vercel-api|neon-api)-sdk\.ts$/ }, ({ kind, path }) => {
      if (kind === "entry-point") return undefined;
      if (kind === "dynamic-import")
        return { path: `./${path.slice(path.lastIndexOf("/") + 1, -3)}.js`, external: true };
      return { errors: [{ text: `${path} has to be imported dynamically.` }] };
    });
  },
};
