/** What a command leaves the process with: 0 yes, 1 no, 2 wrong usage. */
export type ExitCode = 0 | 1 | 2;

/** Where a command's words go: the answer to stdout, everything else to stderr. */
export interface CliOutput {
  stdout(text: string): void;
  stderr(text: string): void;
}

export interface CommandContext {
  readonly output: CliOutput;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Asks at the terminal for what is not shown; absent where there is no terminal. */
  readonly askSecret?: ((question: string) => Promise<string | null>) | undefined;
}

/** One answer, as the JSON object that `--json` prints and as a sentence for a person. */
export interface Answer {
  readonly exitCode: ExitCode;
  readonly json: Readonly<Record<string, unknown>>;
  readonly sentence: string;
  /** What a person may want to know besides; goes to stderr. */
  readonly detail?: string | undefined;
}

export interface Command {
  readonly usage: string;
  /** Answers from the arguments after the command's name. Throws a UsageError for wrong ones. */
  run(args: readonly string[], context: CommandContext): Promise<Answer | ExitCode>;
}

/** The arguments cannot be understood, or name a file that cannot be read: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A UsageError that says by itself what to do: the command's usage below it would bury that. */
export class PlainUsageError extends UsageError {}
