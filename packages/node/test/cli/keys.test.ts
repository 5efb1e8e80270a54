import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decrypt } from "@chainsafe/bls-keystore";
import { createNativeBls } from "@mach/bls";
import { describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/run-cli.ts";
import { parsePossession } from "../../src/keys/possession.ts";
import { documentFolder, mach, machJson } from "./cli-runs.ts";

const folder = documentFolder();
const PASSWORD = "correct horse";
const OPERATOR = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
const WORDS = `${"abandon ".repeat(11)}about`;
/** The cheaper of the two: what they do is tested where they are. */
const KDF = ["--kdf", "pbkdf2"];

function secret(name: string, content: string, mode = 0o600): string {
  const file = folder.write(name, content);
  chmodSync(file, mode);
  return file;
}

const password = secret("password", `${PASSWORD}\n`);
const wrong = secret("wrong", "another horse\n");

function path(name: string): string {
  return join(folder.path, name);
}

async function newKey(name: string, ...more: readonly string[]): Promise<string> {
  const file = path(name);
  const args = ["keys", "new", "--out", file, "--password-file", password, ...KDF, ...more];
  expect(await machJson(...args)).toMatchObject({ exitCode: 0, file });
  return file;
}

/** Runs at a terminal that answers so. */
async function typing(answers: readonly (string | null)[], ...args: readonly string[]) {
  const questions: string[] = [];
  let stdout = "";
  const exitCode = await runCli([...args, "--json"], {
    environment: {},
    output: {
      stdout: (text) => {
        stdout += text;
      },
      stderr: () => undefined,
    },
    askSecret: async (question) => {
      questions.push(question);
      return answers[questions.length - 1] ?? null;
    },
  });
  return { exitCode, questions, ...(JSON.parse(stdout) as object) };
}

describe("mach keys new", () => {
  it("writes a keystore that only its owner can read, into a folder of its own", async () => {
    const file = join(folder.path, "keys", "operator.json");
    const run = await mach("keys", "new", "--out", file, "--password-file", password, ...KDF);
    const keystore = JSON.parse(readFileSync(file, "utf8"));
    expect(run).toEqual({ exitCode: 0, stdout: `0x${keystore.pubkey}\n`, stderr: "" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path("keys")).mode & 0o777).toBe(0o700);
    expect(readdirSync(path("keys"))).toEqual(["operator.json"]);
    const bls = createNativeBls();
    const key = bls.secretKeyFromBytes(Uint8Array.from(await decrypt(keystore, PASSWORD)));
    expect(key && bls.publicKeyOf(key)).toBe(`0x${keystore.pubkey}`);
  });

  it("never overwrites a file, not even for the words", async () => {
    const precious = folder.write("precious", "kept");
    for (const option of ["--out", "--mnemonic-out"]) {
      const args = ["keys", "new", "--out", path("never.json"), option, precious, ...KDF];
      expect(await machJson(...args, "--password-file", password)).toEqual({
        ...{ exitCode: 1, code: "file-exists", file: precious },
      });
    }
    expect(readFileSync(precious, "utf8")).toBe("kept");
    expect(existsSync(path("never.json"))).toBe(false);
  });

  it("makes a key from words that make it again", async () => {
    const words = path("words");
    const file = await newKey("from-words.json", "--mnemonic-out", words);
    expect(statSync(words).mode & 0o777).toBe(0o600);
    const { pubkey, path: derived } = JSON.parse(readFileSync(file, "utf8"));
    expect(derived).toBe("m/12381/1296122696/0/0");
    const again = ["--mnemonic-file", words, "--out", path("again.json"), ...KDF];
    expect(await machJson("keys", "import", ...again, "--password-file", password)).toEqual({
      ...{ exitCode: 0, publicKey: `0x${pubkey}`, path: derived, file: path("again.json") },
    });
  });

  it("asks for the password twice at a terminal, and refuses without one", async () => {
    const args = ["keys", "new", "--out", path("typed.json"), ...KDF];
    const typed = await typing([PASSWORD, PASSWORD], ...args);
    expect(typed).toMatchObject({ exitCode: 0, file: path("typed.json") });
    expect(typed.questions).toHaveLength(2);
    const other = ["keys", "new", "--out", path("other.json"), ...KDF];
    for (const answers of [[PASSWORD, "correct house"], [PASSWORD, null], [null], ["short"]]) {
      expect(await typing(answers, ...other)).toMatchObject({ exitCode: 2, code: "wrong-usage" });
    }
    expect(await machJson(...other)).toMatchObject({ exitCode: 2, code: "wrong-usage" });
    expect(existsSync(path("other.json"))).toBe(false);
  });

  it("takes no password that others can read, and none that is an argument", async () => {
    const args = ["keys", "new", "--out", path("open.json"), ...KDF];
    const open = secret("open-password", PASSWORD, 0o644);
    expect(await machJson(...args, "--password-file", open)).toEqual({
      ...{ exitCode: 1, code: "open-to-others", file: open },
    });
    const missing = path("no-password");
    expect(await machJson(...args, "--password-file", missing)).toMatchObject({
      ...{ exitCode: 1, code: "unreadable" },
    });
    expect(await machJson(...args, "--password", PASSWORD)).toMatchObject({ exitCode: 2 });
    expect(await machJson("keys", "new", "--password-file", password)).toMatchObject({
      exitCode: 2,
    });
    expect(await machJson(...args, "--kdf", "argon2")).toMatchObject({ exitCode: 2 });
  });
});

describe("mach keys import", () => {
  const importKey = (...args: readonly string[]): Promise<unknown> =>
    machJson("keys", "import", "--password-file", password, ...KDF, ...args);

  it("derives the key that its index says", async () => {
    const words = secret("abandon", WORDS);
    const keys = [];
    for (const index of ["0", "1"]) {
      const out = path(`abandon-${index}.json`);
      keys.push(await importKey("--mnemonic-file", words, "--index", index, "--out", out));
    }
    expect(keys).toMatchObject([
      { exitCode: 0, path: "m/12381/1296122696/0/0" },
      { exitCode: 0, path: "m/12381/1296122696/1/0" },
    ]);
    const out = path("typed-words.json");
    const args = ["--password-file", password, ...KDF, "--mnemonic", "--out", out];
    const { publicKey } = keys[0] as { publicKey: string };
    expect(await typing([WORDS], "keys", "import", ...args)).toMatchObject({ publicKey });
  });

  it("takes a bare key, and a keystore with its own password", async () => {
    const plain = secret("plain", `${"11".repeat(32)}\n`);
    const bare = await importKey("--plain", plain, "--out", path("bare.json"));
    expect(bare).toMatchObject({ exitCode: 0, path: "" });
    const args = ["--keystore", path("bare.json"), "--out", path("copy.json")];
    expect(await importKey(...args, "--keystore-password-file", wrong)).toMatchObject({
      ...{ exitCode: 1, code: "wrong-password" },
    });
    const { publicKey } = bare as { publicKey: string };
    expect(await importKey(...args, "--keystore-password-file", password)).toMatchObject({
      ...{ exitCode: 0, publicKey },
    });
  });

  it.each([
    ["malformed-mnemonic", "--mnemonic-file", WORDS.replace("about", "zebra"), 0o600],
    ["open-to-others", "--mnemonic-file", WORDS, 0o640],
    ["malformed-key", "--plain", "00".repeat(32), 0o600],
    ["open-to-others", "--plain", "11".repeat(32), 0o604],
    ["malformed-keystore", "--keystore", "{}", 0o600],
  ])("refuses with %s: %s", async (code, option, content, mode) => {
    const file = secret(`refused-${code}`, content, mode);
    const out = path("refused.json");
    expect(await importKey(option, file, "--out", out)).toMatchObject({ exitCode: 1, code });
    expect(existsSync(out)).toBe(false);
  });

  it("refuses a validator's key", async () => {
    const keystore = JSON.parse(readFileSync(path("bare.json"), "utf8"));
    const text = JSON.stringify({ ...keystore, path: "m/12381/3600/0/0/0" });
    const file = secret("validator.json", text);
    const args = ["--keystore", file, "--keystore-password-file", password];
    expect(await importKey(...args, "--out", path("refused.json"))).toMatchObject({
      ...{ exitCode: 1, code: "beacon-key" },
    });
  });

  it.each<readonly string[][]>([
    [[]],
    [["--plain", "a", "--keystore", "b"]],
    [["--plain", "a", "--index", "1"]],
    [["--mnemonic-file", "a", "--index", "2147483648"]],
    [["--mnemonic-file", "a", "--index", "-1"]],
  ])("calls %j wrong usage", async (args) => {
    expect(await importKey("--out", path("refused.json"), ...args)).toMatchObject({ exitCode: 2 });
  });
});

describe("mach keys list", () => {
  it("shows each key, and what is wrong with a file", async () => {
    const keys = path("listed");
    mkdirSync(keys);
    expect(await machJson("keys", "list", keys)).toEqual({ exitCode: 0, folder: keys, keys: [] });
    const file = await newKey("listed/a.json");
    const publicKey = `0x${JSON.parse(readFileSync(file, "utf8")).pubkey}`;
    const sound = { file, publicKey, path: "" };
    expect(await machJson("keys", "list", keys)).toMatchObject({ exitCode: 0, keys: [sound] });
    const open = secret("listed/b.json", "{}", 0o644);
    secret("listed/notes.txt", "");
    expect(await machJson("keys", "list", keys)).toMatchObject({
      exitCode: 1,
      keys: [sound, { file: open, code: "open-to-others" }],
    });
    expect(await machJson("keys", "list", path("nowhere"))).toMatchObject({ exitCode: 2 });
  });
});

describe("mach keys export", () => {
  it("writes the same key under another password, or bare", async () => {
    const file = await newKey("exported.json");
    const { pubkey } = JSON.parse(readFileSync(file, "utf8"));
    const args = ["keys", "export", file, "--password-file", password];
    const [copy, bare] = [path("copied.json"), path("copied.key")];
    const publicKey = `0x${pubkey}`;
    const under = [...KDF, "--new-password-file", wrong];
    expect(await machJson(...args, "--out", copy, ...under)).toMatchObject({ publicKey });
    const secretKey = await decrypt(JSON.parse(readFileSync(copy, "utf8")), "another horse");
    expect(await machJson(...args, "--out", bare, "--plain")).toMatchObject({ publicKey });
    expect(readFileSync(bare, "utf8")).toBe(`0x${Buffer.from(secretKey).toString("hex")}\n`);
    expect(statSync(bare).mode & 0o777).toBe(0o600);
    expect(await machJson(...args, "--out", bare, "--plain")).toMatchObject({
      code: "file-exists",
    });
    expect(await machJson(...args, "--out", bare, "--plain", ...KDF)).toMatchObject({
      exitCode: 2,
    });
  });
});

describe("mach keys prove", () => {
  const CONTRACT = "0x5fbdb2315678afecb367f032d93f642f64180aa3";
  const network = ["--chain-id", "31337", "--contract", CONTRACT];

  it("prints a proof that stands for this operator on this network", async () => {
    const args = ["keys", "prove", path("bare.json"), "--operator", OPERATOR, ...network];
    const run = await mach(...args, "--nonce", "3", "--password-file", password);
    expect(run).toMatchObject({ exitCode: 0, stderr: "" });
    expect(parsePossession(JSON.parse(run.stdout))).toMatchObject({
      domain: { chainId: 31337n, verifyingContract: CONTRACT },
      ...{ operator: OPERATOR, nonce: 3n },
    });
    expect(await machJson(...args, "--password-file", wrong)).toMatchObject({
      ...{ exitCode: 1, code: "wrong-password" },
    });
  });

  it("names no operator, or no network, by itself", async () => {
    const args = ["keys", "prove", path("bare.json"), "--password-file", password];
    expect(await machJson(...args, ...network)).toMatchObject({ exitCode: 2 });
    expect(await machJson(...args, "--operator", OPERATOR)).toMatchObject({ exitCode: 2 });
    const more = ["--operator", OPERATOR, ...network, "--nonce", "first"];
    expect(await machJson(...args, ...more)).toMatchObject({ exitCode: 2 });
  });
});
