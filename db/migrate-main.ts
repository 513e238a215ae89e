import { env, requiredEnv } from "#lib/env.ts";
import { migrate } from "./migrate.ts";

await migrate({ url: requiredEnv("DATABASE_URL"), wsProxy: env().NEON_WS_PROXY });
console.log("The database has the newest schema.");
