import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { createSecretPrompt } from "../../src/cli/secret-prompt.ts";

/** A terminal that one can type at. */
function terminal() {
  const keyboard = new EventEmitter();
  const state = { isRaw: false, isReading: false, shown: "" };
  const ask = createSecretPrompt(
    {
      setRawMode: (isRaw) => {
        state.isRaw = isRaw;
      },
      on: (event, listener) => keyboard.on(event, listener),
      off: (event, listener) => keyboard.off(event, listener),
      resume: () => {
        state.isReading = true;
      },
      pause: () => {
        state.isReading = false;
      },
    },
    (text) => {
      state.shown += text;
    },
  );
  const type = (text: string | Buffer): void => void keyboard.emit("data", Buffer.from(text));
  return { ask, type, state };
}

it("reads a line that is not shown, and leaves the terminal as it was", async () => {
  const { ask, type, state } = terminal();
  const answer = ask("Password: ");
  expect(state).toMatchObject({ isRaw: true, isReading: true });
  type("wrong");
  type("\u007f\u007f\u007f\u007f\bpäss 🔑");
  type("\r");
  expect(await answer).toBe("päss 🔑");
  expect(state).toEqual({ isRaw: false, isReading: false, shown: "Password: \n" });
});

it("puts a letter together that arrives in two pieces", async () => {
  const { ask, type } = terminal();
  const answer = ask("");
  const [first, second] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)];
  type(first);
  type(second);
  type("\n");
  expect(await answer).toBe("é");
});

it("takes what was pasted beyond the line for the next answer", async () => {
  const { ask, type } = terminal();
  const first = ask("");
  type("one\ntwo\n");
  expect([await first, await ask("")]).toEqual(["one", "two"]);
});

it.each([
  ["\u0003", null],
  ["half\u0003", null],
  ["\u0004", null],
  ["all\u0004", "all"],
  ["\n", ""],
])("ends at %j with %j", async (typed, expected) => {
  const { ask, type, state } = terminal();
  const answer = ask("");
  type(typed);
  expect(await answer).toBe(expected);
  expect(state.isRaw).toBe(false);
});
