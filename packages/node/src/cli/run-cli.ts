import {
  type Answer,
  type Command,
  type CommandContext,
  type ExitCode,
  PlainUsageError,
  UsageError,
} from "./command.ts";

const USAGE = `mach: fast finality for rollups that anyone can check

  mach run --config FILE              run a node: an operator, or an observer
  mach doctor --config FILE           look at what keeps a node from its work
  mach status --api URL               show what a node does, live
  mach backup --config FILE --out DIR copy what can be restored without a risk
  mach api --config FILE              serve the HTTP API from the database that nodes write to
  mach config init --network NAME ... write a commented configuration of a network
  mach config check --config FILE     name everything that is wrong in a configuration
  mach config print --config FILE     print every value that holds, and where it was said
  mach config explain FIELD           say what a field of the configuration means
  mach db migrate --config FILE       make or update the tables of the database, for readers
  mach keys new --out FILE            make a BLS key, in a keystore
  mach keys import --out FILE ...     put a key that exists into a keystore
  mach keys list [FOLDER]             list the keystores of a folder
  mach keys export KEYSTORE ...       write a key under another password, or bare
  mach keys prove KEYSTORE ...        prove that an operator has its key
  mach operator register ...          become an operator, with a key and stake
  mach operator deposit ...           put own stake behind an operator
  mach operator delegate OPERATOR ... put stake behind another operator
  mach operator status [OPERATOR] ... say what the L1 knows of an operator
  mach operator poke [OPERATOR] ...   have EigenLayer's stake counted anew
  mach operator rotate-key ...        give an operator another key
  mach operator exit ...              take stake out, in two steps
  mach protection init --config FILE  make an operator's signing record, once
  mach protection export --out FILE   write what another record has to know of this one
  mach protection import FILE         take what another record knows into this one
  mach signer run --config FILE ...   serve one operator's key and record to its nodes
  mach claim --stack NAME --block F   recompute what an operator signs about a block
  mach watch --stack NAME --rpc URL   follow a rollup and print claims, to try endpoints
  mach execute BLOCK.json.gz          execute a block again, from a witness
  mach verify CERT.json ...           check a certificate, offline
  mach evidence verify EVIDENCE.json  check evidence against operators, offline
  mach evidence submit EVIDENCE.json  have operators slashed on L1 for it

mach COMMAND --help says more. With --json the answer is one JSON object on stdout.
Exit code: 0 yes, 1 no, 2 wrong usage.
`;

/** Each command's module is imported when it is asked for: verifying must not load a node. */
const COMMANDS: readonly {
  readonly name: readonly string[];
  readonly load: () => Promise<{ readonly command: Command }>;
}[] = [
  { name: ["run"], load: () => import("./run-node.ts") },
  { name: ["doctor"], load: () => import("./doctor.ts") },
  { name: ["status"], load: () => import("./status.ts") },
  { name: ["backup"], load: () => import("./backup.ts") },
  { name: ["api"], load: () => import("./run-api.ts") },
  { name: ["config", "init"], load: () => import("./config-init.ts") },
  { name: ["config", "check"], load: () => import("./config-check.ts") },
  { name: ["config", "print"], load: () => import("./config-print.ts") },
  { name: ["config", "explain"], load: () => import("./config-explain.ts") },
  { name: ["db", "migrate"], load: () => import("./migrate-database.ts") },
  { name: ["keys", "new"], load: () => import("./keys-new.ts") },
  { name: ["keys", "import"], load: () => import("./keys-import.ts") },
  { name: ["keys", "list"], load: () => import("./keys-list.ts") },
  { name: ["keys", "export"], load: () => import("./keys-export.ts") },
  { name: ["keys", "prove"], load: () => import("./keys-prove.ts") },
  { name: ["operator", "register"], load: () => import("./operator-register.ts") },
  { name: ["operator", "deposit"], load: () => import("./operator-deposit.ts") },
  { name: ["operator", "delegate"], load: () => import("./operator-delegate.ts") },
  { name: ["operator", "status"], load: () => import("./operator-status.ts") },
  { name: ["operator", "poke"], load: () => import("./operator-poke.ts") },
  { name: ["operator", "rotate-key"], load: () => import("./operator-rotate-key.ts") },
  { name: ["operator", "exit"], load: () => import("./operator-exit.ts") },
  { name: ["protection", "init"], load: () => import("./init-protection.ts") },
  { name: ["protection", "export"], load: () => import("./export-protection.ts") },
  { name: ["protection", "import"], load: () => import("./import-protection.ts") },
  { name: ["signer", "run"], load: () => import("./run-signer.ts") },
  { name: ["claim"], load: () => import("./claim.ts") },
  { name: ["watch"], load: () => import("./watch.ts") },
  { name: ["execute"], load: () => import("./execute.ts") },
  { name: ["verify"], load: () => import("./verify.ts") },
  { name: ["evidence", "verify"], load: () => import("./verify-evidence.ts") },
  { name: ["evidence", "submit"], load: () => import("./submit-evidence.ts") },
];

/** Runs the command that the arguments name; the process's exit code. */
export async function runCli(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const { output } = context;
  const isJson = args.includes("--json");
  const entry = COMMANDS.find(({ name }) => name.every((word, i) => args[i] === word));
  if (entry === undefined) {
    if (args.length === 0 || isHelp(args)) {
      output.stdout(USAGE);
      return args.length === 0 ? 2 : 0;
    }
    return wrongUsage("there is no such command", { isJson, usage: USAGE, context });
  }
  const { command } = await entry.load();
  const rest = args.slice(entry.name.length);
  if (isHelp(rest)) {
    output.stdout(`${command.usage}\n`);
    return 0;
  }
  try {
    const answer = await command.run(rest, context);
    return typeof answer === "number" ? answer : print(answer, { isJson, context });
  } catch (error) {
    if (!isUsageError(error)) throw error;
    const usage = error instanceof PlainUsageError ? "" : command.usage;
    return wrongUsage(error.message, { isJson, usage, context });
  }
}

function print(
  answer: Answer,
  { isJson, context }: { readonly isJson: boolean; readonly context: CommandContext },
): ExitCode {
  const { output } = context;
  output.stdout(`${isJson ? JSON.stringify(answer.json) : answer.sentence}\n`);
  if (answer.detail !== undefined && !isJson) output.stderr(`${answer.detail}\n`);
  return answer.exitCode;
}

function wrongUsage(
  message: string,
  about: {
    readonly isJson: boolean;
    readonly usage: string;
    readonly context: CommandContext;
  },
): ExitCode {
  const { output } = about.context;
  if (about.isJson) output.stdout(`${JSON.stringify({ code: "wrong-usage", message })}\n`);
  const usage = about.usage === "" ? "" : `\n${about.usage.trimEnd()}\n`;
  output.stderr(`mach: ${message}\n${usage}`);
  return 2;
}

function isHelp(args: readonly string[]): boolean {
  return args.includes("--help") || args.includes("-h");
}

/** Ours, or what `parseArgs` throws for an option that it does not know. */
function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code?.startsWith("ERR_PARSE_ARGS_") ?? false;
}
