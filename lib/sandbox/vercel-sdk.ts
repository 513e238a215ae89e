/** What we use of Vercel's SDK, in a file of its own, because it is bundled by itself (build-plugins.ts). To be imported dynamically. */
export { APIError, Sandbox } from "@vercel/sandbox";
