import { StringDecoder } from "node:string_decoder";

/** The part of a terminal's stdin that is used. */
export interface PromptInput {
  setRawMode(isRaw: boolean): unknown;
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  off(event: "data", listener: (chunk: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** Asks one question and reads a line that is not shown; null where it was cancelled. */
export type AskSecret = (question: string) => Promise<string | null>;

const MAX_CHARACTERS = 4_096;
const ENTER = /[\r\n]/;
const CANCEL = "\u0003";
const END = "\u0004";
const ERASE = new Set(["\u007f", "\b"]);
const FIRST_PRINTABLE = " ";

/** A prompt that shows nothing of what is typed. What was pasted beyond a line answers the next. */
export function createSecretPrompt(input: PromptInput, write: (text: string) => void): AskSecret {
  let typed: string[] = [];
  return async (question) => {
    write(question);
    const line: string[] = [];
    let answer: string | null | undefined = takeLine(typed, line);
    if (answer === undefined) {
      const decoder = new StringDecoder("utf8");
      input.setRawMode(true);
      answer = await new Promise<string | null>((resolve) => {
        const onData = (chunk: Buffer): void => {
          typed.push(...decoder.write(chunk));
          const ended = takeLine(typed, line);
          if (ended === undefined) return;
          input.off("data", onData);
          resolve(ended);
        };
        input.on("data", onData);
        input.resume();
      });
      input.pause();
      input.setRawMode(false);
    }
    if (answer === null) typed = [];
    write("\n");
    return answer;
  };
}

/** Moves what was typed into the line; the line once it ends, null where it is given up. */
function takeLine(typed: string[], line: string[]): string | null | undefined {
  for (let character = typed.shift(); character !== undefined; character = typed.shift()) {
    if (character === CANCEL) return null;
    if (character === END) return line.length === 0 ? null : line.join("");
    if (ENTER.test(character)) return line.join("");
    if (ERASE.has(character)) line.pop();
    else if (character >= FIRST_PRINTABLE && line.length < MAX_CHARACTERS) line.push(character);
  }
  return undefined;
}
