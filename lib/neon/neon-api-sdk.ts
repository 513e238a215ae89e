/** What we use of Neon's client, in a file of its own, because it is bundled by itself (build-plugins.ts). To be imported dynamically. */
export { createApiClient } from "@neondatabase/api-client";
