import { env } from "#lib/env.ts";
import { migrate } from "./migrate.ts";

/**
 * The last step of a build at Vercel (vercel.json), when what was built is whole and nothing of it serves yet. Only production
 * is migrated: a preview is of a branch that may never be merged, and its DATABASE_URL is production's unless somebody has given
 * previews another. A failure fails the build, so that no code comes up before its schema.
 */
const { VERCEL_ENV, DATABASE_URL, NEON_WS_PROXY } = env();

if (VERCEL_ENV !== "production") {
  console.log(
    `No migration: this is ${VERCEL_ENV ?? "no build at Vercel"}. By hand: npm run db:migrate`,
  );
} else if (DATABASE_URL === undefined) {
  console.log("No migration: DATABASE_URL is not set for builds. By hand: npm run db:migrate");
} else {
  await migrate({ url: DATABASE_URL, wsProxy: NEON_WS_PROXY });
  console.log("The database has the newest schema.");
}
