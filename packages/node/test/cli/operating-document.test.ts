import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Hex } from "@mach/core";
import { mintLocalAsset } from "@mach/settlement";
import { encryptKeystoreJson } from "ethers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { finalizeAt } from "../../../settlement/test/anvil.ts";
import {
  EPOCH_SECONDS,
  lowerAddress,
  signerFor,
  startNetwork,
  type TestNetwork,
  UNIT,
} from "../../../settlement/test/network.ts";
import { documentFolder, mach, machJson } from "./cli-runs.ts";

const MACH = "npm run --silent mach -- ";
const ACCOUNT_KEY: Hex = `0x${"06".repeat(32)}`;
/** The names of files in the document's commands. */
const FILE = /^(keys(\/.*)?|[\w-]*password|\w+\.(json|yaml))$/;

const document = readFileSync(new URL("../../../../docs/operating.md", import.meta.url), "utf8");
const folder = documentFolder();
let network: TestNetwork;
let account: Hex;

beforeAll(async () => {
  network = await startNetwork();
  const { anvil, asset, signer, genesisTime } = network;
  account = lowerAddress(signerFor(anvil, ACCOUNT_KEY));
  await anvil.rpc("anvil_setBalance", [account, "0x56bc75e2d63100000"]);
  await mintLocalAsset({ signer, asset, account, assets: 100n * UNIT });
  const password = "correct horse";
  const holder = { address: account, privateKey: ACCOUNT_KEY };
  const wallet = await encryptKeystoreJson(holder, password, { scrypt: { N: 2, r: 1, p: 1 } });
  for (const [name, content] of [
    ["password", password],
    ["account-password", password],
    ["account.json", wallet],
    ["node.yaml", configuration()],
  ] as const) {
    chmodSync(folder.write(name, content), 0o600);
  }
  await finalizeAt(anvil, genesisTime + 7n * EPOCH_SECONDS + 1n);
}, 120_000);

afterAll(() => network?.anvil.stop());

/** The document's own configuration, on the network of this test. */
function configuration(): string {
  const example = /```yaml\n(dataDir: .*?)```/s.exec(document)?.[1];
  if (example === undefined) throw new Error("the document has no configuration");
  return example
    .replace(/(registry: )"0x[0-9a-f]{40}"/, `$1"${network.registry}"`)
    .replace(/(l1:\n {2}rpcUrls: )\[.*\]\n {2}agree: 2/, `$1["${network.anvil.url}"]`)
    .replace(/(operator:\n {2}address: )"0x[0-9a-f]{40}"/, `$1"${account}"`);
}

/** The lines of the shell blocks below a heading, as the arguments of each command. */
function commandsOf(heading: string): readonly (readonly string[])[] {
  const [, section = ""] = document.split(`\n## ${heading}\n`);
  const [own = ""] = section.split("\n## ");
  const lines = [...own.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = ""]) =>
    block.split("\n").filter((line) => line !== ""),
  );
  return lines.flatMap((line) => {
    if (line.startsWith('by="')) return [];
    if (!line.startsWith(MACH)) throw new Error(`what is ${line}?`);
    const [, by = ""] = /^by="(.*)"$/m.exec(document) ?? [];
    const words = line.slice(MACH.length).replace("$by", by).split(" ");
    const [area = "", verb = "", ...rest] = words;
    return [
      [area, verb, ...rest.map((word) => (FILE.test(word) ? join(folder.path, word) : word))],
    ];
  });
}

it.each([
  ["Keys", ["keys new", "keys list", "keys export"]],
  [
    "Joining",
    [
      ...["operator deposit", "operator deposit", "operator register", "operator register"],
      "operator status",
    ],
  ],
  ["Another key", ["keys new", "operator rotate-key", "operator status"]],
  ["Leaving", ["operator exit", "operator exit", "operator status"]],
])(
  "the commands of docs/operating.md, %s, do what they say",
  async (heading, expected) => {
    const done: string[] = [];
    for (const args of commandsOf(heading)) {
      // A cheaper key derivation than the one that the document's reader gets.
      const isSlow = args[0] === "keys" && args[1] !== "list";
      const run = await mach(...args, ...(isSlow ? ["--kdf", "pbkdf2"] : []));
      expect({ args, ...run }).toMatchObject({ exitCode: 0 });
      done.push(args.slice(0, 2).join(" "));
    }
    expect(done).toEqual(expected);
  },
  60_000,
);

it("leave an operator that joined, changed its key and is about to go", async () => {
  const config = join(folder.path, "node.yaml");
  const status = await machJson("operator", "status", "--config", config);
  const publicKeyIn = (name: string): string => {
    const text = readFileSync(join(folder.path, "keys", name), "utf8");
    return `0x${(JSON.parse(text) as { pubkey: string }).pubkey}`;
  };
  expect(status).toMatchObject({
    ...{ registered: true, keyCount: "2", weight: "0" },
    configuredKey: publicKeyIn("operator.json"),
    keys: [{ publicKey: publicKeyIn("operator.json") }, { publicKey: publicKeyIn("next.json") }],
    vaults: [{ stake: "0", openConvictions: 0, exits: [{ assets: (100n * UNIT).toString() }] }],
  });
});
