import { KEY_FAILURE_WORDS, type KeyFailure, readPasswordFile } from "../keys/keystore-file.ts";
import { weaknessOf } from "../keys/password.ts";
import { type Answer, type CommandContext, UsageError } from "./command.ts";

/** A step of a command: its value, or the answer with which the command ends. */
export type Step<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly answer: Answer };

export interface PasswordRequest {
  /** Where it is read from; asked for without one. */
  readonly file: string | undefined;
  /** The name of the option that gives the file, without its dashes. */
  readonly option: string;
  /** What it is the password of, `keys/operator.json`. */
  readonly of: string;
}

/** The password of what exists. Throws a UsageError where there is neither a file nor a terminal. */
export async function readPassword(
  { file, option, of }: PasswordRequest,
  context: CommandContext,
): Promise<Step<string>> {
  if (file === undefined) {
    return { ok: true, value: await ask(`Password of ${of}: `, option, context) };
  }
  const read = await readPasswordFile(file);
  return read.ok ? { ok: true, value: read.password } : notDone(file, read.code);
}

/** The password of what is to be made: typed twice, and long enough. As `readPassword` else. */
export async function readNewPassword(
  request: PasswordRequest,
  context: CommandContext,
): Promise<Step<string>> {
  const { file, option, of } = request;
  const read = await readPassword({ ...request, of: `the new ${of}` }, context);
  if (!read.ok) return read;
  const weakness = weaknessOf(read.value);
  if (weakness !== null) throw new UsageError(`the new password ${weakness}`);
  if (file === undefined && (await ask("The same again: ", option, context)) !== read.value) {
    throw new UsageError("what was typed the second time is another password");
  }
  return read;
}

/** One line that is typed and not shown. */
export async function ask(
  question: string,
  option: string,
  { askSecret }: CommandContext,
): Promise<string> {
  if (askSecret === undefined) {
    throw new UsageError(`--${option} is missing, and there is no terminal to ask at`);
  }
  const answer = await askSecret(question);
  if (answer === null) throw new UsageError("nothing was typed");
  return answer;
}

/** The answer where a key's file, or a password's, is not used. */
export function notDone(
  file: string,
  code: KeyFailure,
): { readonly ok: false; readonly answer: Answer } {
  const sentence = `nothing done (${code}): ${file} ${KEY_FAILURE_WORDS[code]}`;
  return { ok: false, answer: { exitCode: 1, json: { code, file }, sentence } };
}
