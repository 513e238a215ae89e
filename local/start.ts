import { rm, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { mintLocalToken } from "#lib/auth/local.ts";
import { Client } from "./client.ts";
import { type Cloud, startCloud } from "./cloud.ts";
import { SAMPLE_REPOSITORY, sampleRepository } from "./demo-delivery.ts";
import { readable } from "./log-lines.ts";

const HELP = `npm start -- [options]    brings the local cloud and the app up on 127.0.0.1, until Ctrl-C

  --dir <path>         where the state is kept (default .local)
  --port <n>           port of the app (default 3210; 0 picks a free one)
  --inngest-port <n>   port of Inngest (default 8288; 0 picks a free one)
  --github-port <n>    port of the local GitHub (default 8290; 0 picks a free one)
  --vercel-port <n>    port of the local Vercel (default 8291; 0 picks a free one)
  --bundle             run dist/, what npm run build made, instead of the sources
  --help

INNGEST_DEV=<url> npm start    uses another Inngest server, such as npx inngest-cli dev, instead of the built-in one`;

const { values } = parseArgs({
  options: {
    dir: { type: "string", default: ".local" },
    port: { type: "string", default: "3210" },
    "inngest-port": { type: "string", default: "8288" },
    "github-port": { type: "string", default: "8290" },
    "vercel-port": { type: "string", default: "8291" },
    bundle: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** Who the local token stands for, and what the printed commands work on. */
const OWNER = "local-user";
const PROJECT = "first-project";
const KEPT = join(resolve(values.dir), "cli.json");

async function main(): Promise<void> {
  const cloud = await startCloud({
    dir: resolve(values.dir),
    ports: {
      app: Number(values.port),
      inngest: Number(values["inngest-port"]),
      github: Number(values["github-port"]),
      vercel: Number(values["vercel-port"]),
    },
    bundle: values.bundle ? resolve("dist") : undefined,
    inngestDev: process.env.INNGEST_DEV,
    targets: true,
    // The sample documents are served by the app itself, so that a link to one can be tried at once.
    env: {
      FILE_URL_HOSTS: "127.0.0.1",
      FETCH_ALLOW_LOOPBACK_HTTP: "1",
      SANDBOX_TRUSTED_REPOS: [SAMPLE_REPOSITORY, process.env.SANDBOX_TRUSTED_REPOS].join(),
    },
    onProgress: (line) => console.log(line),
    onLine: (line) => console.log(readable(line)),
  });
  let closing = false;
  const stop = async () => {
    if (closing) return;
    closing = true;
    console.log("\nstopping; the state stays in", values.dir);
    await cloud.close();
    process.exit(0);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);

  const made = { projectId: PROJECT, name: "First project", slug: PROJECT, owner: OWNER };
  const client = await Client.of(OWNER, cloud);
  await client.send({ name: "project.created", data: made });
  const { owner, name } = await sampleRepository(cloud);
  const connected = { projectId: PROJECT, owner, name };
  await client.send({ name: "repo.connected", data: connected });
  const token = await mintLocalToken(OWNER, "30d");
  await leaveForCli({ url: cloud.appUrl, inngest: cloud.inngestUrl, token, project: PROJECT });
  console.log(instructions(cloud, token));
}

/** What `npx countersign` needs to know, readable by this user alone: it holds a token. */
async function leaveForCli(settings: Record<"url" | "inngest" | "token" | "project", string>) {
  await rm(KEPT, { force: true });
  await writeFile(KEPT, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600, flag: "wx" });
}

function instructions(cloud: Cloud, token: string): string {
  const { appUrl: app, inngestUrl: inngest, databaseUrl: database } = cloud;
  const uploaded = {
    name: "file.uploaded",
    data: {
      projectId: PROJECT,
      name: "operations-manual.pdf",
      url: `${app}/samples/operations-manual.pdf`,
    },
  };
  const requested = {
    projectId: PROJECT,
    kind: "implementation",
    requestedBy: "ci",
    input: {
      target: "repository",
      repository: SAMPLE_REPOSITORY,
      title: "Notes",
      changes: { from: "files", files: [{ path: "NOTES.md", content: "Calibrated in May.\n" }] },
      deploy: {
        project: "buoy-battery",
        resources: [{ name: "measurements", type: "neon.project" }],
      },
    },
  };
  // The command line looks in .local by itself.
  const config = values.dir === ".local" ? "" : ` --config ${relative(".", KEPT)}`;
  return `
app       ${app}/api/openapi.json   (events: ${app}/api/events/schema)
inngest   ${inngest}
github    ${cloud.parts.github.url}/${SAMPLE_REPOSITORY}.git   (user acme, password ${cloud.env.GITHUB_TOKEN})
vercel    ${cloud.parts.vercel?.url}   (sites of target apps have ports of their own)
postgres  ${database}

Send an event, as any other system would:
  curl -s ${inngest}/e/local -H 'content-type: application/json' \\
    -d '${JSON.stringify(uploaded)}'

Upload a file of your own, and search:
  export TOKEN=${token}
  curl -s -H "authorization: Bearer $TOKEN" --data-binary @README.md '${app}/api/projects/${PROJECT}/files?name=README.md'
  curl -s -H "authorization: Bearer $TOKEN" '${app}/api/search?projectId=${PROJECT}&q=how+are+effects+approved'

Ask for a change of a repository, and approve each of its plans: the push, the merge, the database, the build, production.
Then verify the bundle that proves it:
  npx countersign${config} send run.requested --data '${JSON.stringify(requested)}'
  npx countersign${config} approvals
  npx countersign${config} approve <id>
  npx countersign${config} run <id> --watch
  npx countersign${config} bundle get <id> && npx countersign bundle verify <id>.bundle.zip

Ctrl-C stops everything; the state is kept.`;
}

if (values.help) console.log(HELP);
else await main();
