import { Command, Option } from "commander";
import type { DecideOptions, Verb } from "./commands/decide.ts";
import { byPages, contextOf, HOUR, upTo } from "./context.ts";
import { audit, bundle, effects, keys, policy, skill } from "./groups.ts";

const STATUSES = [
  "pending",
  "granted",
  "denied",
  "revoked",
  "expired",
  "superseded",
  "used",
  "all",
];

/** The command line as a whole. Each command loads what it does only when it is called: most need little. */
export function program(): Command {
  const countersign = new Command("countersign")
    .description("Emit events, approve, and watch runs of Countersign.")
    .option("--url <url>", "where Countersign is (COUNTERSIGN_URL)")
    .option("--token <token>", "who you are (COUNTERSIGN_TOKEN)")
    .option("--inngest <url>", "Inngest dev server to send to (INNGEST_DEV, INNGEST_EVENT_KEY)")
    .option("--project <id>", "the project that it is about (COUNTERSIGN_PROJECT)")
    .option("--config <file>", "instead of .local/cli.json, which npm start leaves")
    .option("--json", "one JSON value a line, for programs; nobody is asked")
    .addHelpText(
      "after",
      "\nExit codes: 0 yes, 1 no, 2 usage, 3 unreachable, 4 signed out, 5 not known yet.",
    );

  countersign
    .command("send")
    .description("check an event against the catalogue and send it")
    .argument("<event>", "its name, such as run.requested")
    .requiredOption("--data <json>", "its data; @file or - for stdin")
    .option("--id <id>", "its id: the same id again is dropped; a new one when absent")
    .action(async (name, options, command) => {
      const { send } = await import("./commands/send.ts");
      await send(name, options, contextOf(command));
    });

  byPages(
    countersign
      .command("approvals")
      .description("list approvals that you may see, newest first")
      .addOption(
        new Option("--status <status>", "only these").choices(STATUSES).default("pending"),
      ),
  ).action(async (options, command) => {
    const { listApprovals } = await import("./commands/lists.ts");
    // Only when it is said here: an approver decides in many projects.
    const { project } = command.optsWithGlobals();
    await listApprovals({ ...options, project }, contextOf(command));
  });

  decision(countersign, "approve", "grant", "see a plan with its difference, and approve it");
  decision(countersign, "deny", "deny", "deny a plan, for good");
  decision(
    countersign,
    "revoke",
    "revoke",
    "take an approval back, as long as its plan has not begun",
  );

  byPages(countersign.command("runs").description("list a project's runs, newest first")).action(
    async (options, command) => {
      const { listRuns } = await import("./commands/lists.ts");
      await listRuns(options, contextOf(command));
    },
  );

  countersign
    .command("run")
    .description("show what happened in a run")
    .argument("<run>", "its id")
    .option("--watch", "as it happens, until it has ended; 1 when it did not succeed")
    .option("--wait <seconds>", "how long to watch", upTo(7 * 24 * HOUR), 24 * HOUR)
    .action(async (id, options, command) => {
      const { showRun } = await import("./commands/run.ts");
      await showRun(id, options, contextOf(command));
    });

  countersign
    .command("jobs")
    .description("list what a run had done in sandboxes and by git, with its transcripts")
    .argument("<run>", "its id")
    .action(async (id, _options, command) => {
      const { listJobs } = await import("./commands/jobs.ts");
      await listJobs(id, contextOf(command));
    });

  byPages(
    countersign
      .command("repos")
      .description("list a project's repositories with how far their code is indexed"),
  ).action(async (options, command) => {
    const { listRepos } = await import("./commands/repos.ts");
    await listRepos(options, contextOf(command));
  });

  const delivery: [string, string, "listResources" | "listDeployments" | "listFindings"][] = [
    ["resources", "list a project's resources at Neon, Upstash and Vercel", "listResources"],
    ["deployments", "list what a project has deployed", "listDeployments"],
    ["findings", "list what a project has changed outside and is no longer so", "listFindings"],
  ];
  for (const [name, what, list] of delivery) {
    byPages(countersign.command(name).description(`${what}, newest first`)).action(
      async (options, command) => {
        const lists = await import("./commands/delivery.ts");
        await lists[list](options, contextOf(command));
      },
    );
  }

  byPages(
    countersign
      .command("artifacts")
      .description("list the latest version of each artifact of a project, newest first"),
  ).action(async (options, command) => {
    const { listArtifacts } = await import("./commands/artifacts.ts");
    await listArtifacts(options, contextOf(command));
  });

  countersign
    .command("artifact")
    .description("show a version of an artifact, and whether its sources have changed since")
    .argument("<artifact>", "its id")
    .action(async (id, _options, command) => {
      const { showArtifact } = await import("./commands/artifacts.ts");
      await showArtifact(id, contextOf(command));
    });

  countersign
    .command("export")
    .description("write a project's artifacts with their citations to a ZIP file")
    .option("--out <file>", "a new file; <project>.zip when absent")
    .option("--force", "replace the file when it is there already")
    .action(async (options, command) => {
      const { exportArtifacts } = await import("./commands/export.ts");
      await exportArtifacts(options, contextOf(command));
    });

  countersign
    .command("search")
    .description("search a project's documents, artifacts and code")
    .argument("<words...>", "what you look for")
    .option("--limit <n>", "at most so many", upTo(50), 10)
    .action(async (words, options, command) => {
      const { search } = await import("./commands/search.ts");
      await search(words, options, contextOf(command));
    });

  countersign
    .command("chat")
    .description("ask in a thread of a project, and print the reply with its sources")
    .argument("<thread>", "its id; a new one makes a new thread")
    .argument("<words...>", "what you ask")
    .option("--message <id>", "the question's id: the same again makes no second reply")
    .option("--wait <seconds>", "how long to wait for the reply", upTo(HOUR), 120)
    .action(async (thread, words, options, command) => {
      const { chat } = await import("./commands/chat.ts");
      await chat(thread, words, options, contextOf(command));
    });

  countersign
    .command("skills")
    .description("list a project's skills, its own and the bundled ones")
    .action(async (_options, command) => {
      const { listSkills } = await import("./commands/skills.ts");
      await listSkills(contextOf(command));
    });

  skill(countersign.command("skill").description("guidance for the model that writes"));
  effects(countersign.command("effects").description("changes in other systems"));
  audit(countersign.command("audit").description("the account of what was done"));
  bundle(countersign.command("bundle").description("all that proves what a run did, as a ZIP"));
  policy(countersign.command("policy").description("who decides what in a project"));
  keys(countersign.command("keys").description("keys to sign decisions with"));
  return countersign;
}

function decision(parent: Command, name: string, verb: Verb, description: string): void {
  parent
    .command(name)
    .description(description)
    .argument("<approval>", "its id")
    .option("--yes", "do not ask")
    .option("--intent <hash>", "only if the plan is the one with this intent hash")
    .option("--note <text>", "what to say with it")
    .option("--key <file>", "sign with this private key")
    .option("--wait <seconds>", "how long to wait for what becomes of it", upTo(HOUR), 30)
    .action(async (id: string, options: DecideOptions, command: Command) => {
      const { decide } = await import("./commands/decide.ts");
      await decide(verb, id, options, contextOf(command));
    });
}
