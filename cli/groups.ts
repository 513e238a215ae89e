import { Argument, type Command } from "commander";
import type { ResolveOptions } from "./commands/effects.ts";
import { byPages, contextOf, HOUR, upTo } from "./context.ts";

// Commands of two words: program.ts makes the first, these the second.

export function effects(parent: Command): void {
  byPages(parent.command("list").description("list a project's effects, newest first")).action(
    async (options, command) => {
      const { listEffects } = await import("./commands/lists.ts");
      await listEffects(options, contextOf(command));
    },
  );
  parent
    .command("resolve")
    .description("say what is to become of an effect whose outcome nobody could find out")
    .argument("<effect>", "its id")
    .addArgument(
      new Argument("<resolution>", "adopt what is there, resend it, or abandon it").choices([
        "adopt",
        "resend",
        "abandon",
      ]),
    )
    .option("--external-id <id>", "with adopt: what it became, when its marker does not find it")
    .option("--external-url <url>", "where that is")
    .option("--note <text>", "what to say with it")
    .option("--key <file>", "sign with this private key")
    .option("--wait <seconds>", "how long to wait for what becomes of it", upTo(HOUR), 30)
    .action(async (id, resolution, options: ResolveOptions, command) => {
      const { resolveEffect } = await import("./commands/effects.ts");
      await resolveEffect(id, resolution, options, contextOf(command));
    });
}

export function skill(parent: Command): void {
  parent
    .command("put")
    .description("put a SKILL.md into a project, in the place of the one that had its name")
    .argument("<name>", "its name")
    .argument("<file>", "the SKILL.md, or - for stdin")
    .option("--description <text>", "when the frontmatter has none")
    .action(async (name, file, options, command) => {
      const { putSkill } = await import("./commands/skills.ts");
      await putSkill(name, file, options, contextOf(command));
    });
  parent
    .command("delete")
    .description("delete a skill of a project's own; a bundled one of that name is there again")
    .argument("<name>", "its name")
    .action(async (name, _options, command) => {
      const { deleteSkill } = await import("./commands/skills.ts");
      await deleteSkill(name, contextOf(command));
    });
}

export function audit(parent: Command): void {
  parent
    .command("verify")
    .description("recompute an audit chain: of an export, or of the project as it is now")
    .argument("[export]", "file that audit export wrote")
    .option("--public-key <file...>", "keys that checkpoints were signed with, in PEM", [])
    .action(async (file, options, command) => {
      const { verifyChain } = await import("./commands/audit.ts");
      await verifyChain(file, options, contextOf(command));
    });
  parent
    .command("export")
    .description("write a project's audit chain to a file, or to stdout")
    .argument("[file]", "a new file")
    .action(async (file, _options, command) => {
      const { exportChain } = await import("./commands/audit.ts");
      await exportChain(file, contextOf(command));
    });
}

export function bundle(parent: Command): void {
  parent
    .command("get")
    .description("fetch the audit bundle of a run that has ended, into a new file")
    .argument("<run>", "its id")
    .option("-o, --out <file>", "a new file; <run>.bundle.zip when absent")
    .action(async (run, options, command) => {
      const { getBundle } = await import("./commands/bundle.ts");
      await getBundle(run, options, contextOf(command));
    });
  parent
    .command("verify")
    .description("verify a bundle by its bytes alone: no server, no token")
    .argument("<zip>", "file that bundle get wrote")
    .option("--key <file...>", "public keys in PEM that you trust to have signed it", [])
    .option("--audit <file>", "the project's chain, which audit export wrote, to hold it against")
    .action(async (file, options, command) => {
      const { verifyBundleFile } = await import("./commands/bundle.ts");
      await verifyBundleFile(file, options, contextOf(command));
    });
}

export function keys(parent: Command): void {
  parent
    .command("new")
    .description("make an Ed25519 key: the private half into a file, the public half told")
    .argument("[file]", "a new file for the private key", "approver-key.pem")
    .option("--register", "register the public half in the project, which its owner may")
    .option("--owner <name>", "with --register: whose decisions it signs; yours when absent")
    .action(async (file, options, command) => {
      const { newKey } = await import("./commands/keys.ts");
      await newKey(file, options, contextOf(command));
    });
  parent
    .command("list")
    .description("list the keys that are registered in a project, revoked ones too")
    .action(async (_options, command) => {
      const { listKeys } = await import("./commands/keys.ts");
      await listKeys(contextOf(command));
    });
  parent
    .command("revoke")
    .description("end a key's validity for good, which the project's owner may")
    .argument("<key>", "its id")
    .action(async (id, _options, command) => {
      const { revokeKey } = await import("./commands/keys.ts");
      await revokeKey(id, contextOf(command));
    });
}

export function policy(parent: Command): void {
  parent
    .command("show")
    .description("show a project's policy as it is now")
    .action(async (_options, command) => {
      const { showPolicy } = await import("./commands/policy.ts");
      await showPolicy(contextOf(command));
    });
  parent
    .command("set")
    .description("publish the next version; what was asked for before keeps its rule")
    .argument("<policy>", "local, strict, or a file with the document (- for stdin)")
    .action(async (source, _options, command) => {
      const { setPolicy } = await import("./commands/policy.ts");
      await setPolicy(source, contextOf(command));
    });
}
