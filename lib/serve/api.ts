import { pathToFileURL } from "node:url";

export type Fetch = (request: Request) => Response | Promise<Response>;

/** What `api/` exports, from source or from the bundle. */
interface Api {
  readonly index: { readonly default: { readonly fetch: Fetch } };
  readonly inngest: Readonly<Record<"GET" | "POST" | "PUT", Fetch>>;
}

const METHODS = ["GET", "POST", "PUT"] as const;

/**
 * The two entry points in `root`/api as one, each for the paths that it has at Vercel (build.ts).
 * @param ending of their files: `.ts` of the sources, `.js` of a bundle
 */
export async function loadApi(root: string, ending: ".ts" | ".js"): Promise<Fetch> {
  const at = (file: string) => pathToFileURL(`${root}/api/${file}${ending}`).href;
  const [index, inngest] = await Promise.all([import(at("index")), import(at("inngest"))]);
  return route({ index, inngest });
}

function route({ index, inngest }: Api): Fetch {
  return (request) => {
    if (new URL(request.url).pathname !== "/api/inngest") return index.default.fetch(request);
    const method = METHODS.find((one) => one === request.method);
    if (method) return inngest[method](request);
    return new Response(null, { status: 405, headers: { allow: METHODS.join(", ") } });
  };
}
