import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Hex } from "@mach/core";
import {
  Contract,
  encryptKeystoreJson,
  type JsonRpcProvider,
  Transaction,
  type TransactionLike,
  Wallet,
} from "ethers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connectExternalSigner, openWallet } from "../src/l1-account.ts";
import { createL1Provider } from "../src/l1-signer.ts";
import { type TransactionResult, transact } from "../src/transaction.ts";
import { type Anvil, CHAIN_ID, DEPLOYER_KEY, startAnvil } from "./anvil.ts";

const TARGET: Hex = `0x${"77".repeat(20)}`;
const OTHER_KEY = `0x${"42".repeat(32)}`;
const wallet = new Wallet(DEPLOYER_KEY);
const account = wallet.address.toLowerCase() as Hex;

type Answer = { readonly result: unknown } | { readonly error: { readonly code: number } };
type Answers = Readonly<Record<string, (transaction: Asked) => Promise<Answer> | Answer>>;

/** A transaction as JSON-RPC has it. */
interface Asked extends Omit<TransactionLike<string>, "gasLimit"> {
  readonly gas: string;
}

let anvil: Anvil;
let provider: JsonRpcProvider;
let server: Server;
let url: string;
let answers: Answers;

beforeAll(async () => {
  anvil = await startAnvil();
  provider = createL1Provider({ rpcUrl: anvil.url, chainId: CHAIN_ID, timeoutMs: 10_000 });
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on("end", () => {
      const { id, method, params } = JSON.parse(text) as {
        readonly id: number;
        readonly method: string;
        readonly params: readonly [Asked];
      };
      const answer = answers[method]?.(params[0]) ?? { error: { code: -32_601, message: "?" } };
      void Promise.resolve(answer).then((body) =>
        response.end(JSON.stringify({ jsonrpc: "2.0", id, ...body })),
      );
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, 60_000);

afterAll(async () => {
  provider?.destroy();
  server?.close();
  server?.closeAllConnections();
  await anvil?.stop();
});

const accounts = (): Answer => ({ result: [wallet.address] });

/** Signs what it is asked for, after a change. */
async function sign(asked: Asked, change: Partial<TransactionLike> = {}, by = wallet) {
  const { gas, from: _, ...rest } = asked;
  const quantities = { gasLimit: gas, nonce: Number(rest.nonce), type: Number(rest.type) };
  const unsigned = Transaction.from({ ...rest, ...quantities, ...change });
  return await by.signTransaction(unsigned);
}

let closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  closers = [];
});

async function send(by: Answers): Promise<TransactionResult> {
  answers = { eth_accounts: accounts, ...by };
  const found = await connectExternalSigner({ url, account: null, provider, timeoutMs: 10_000 });
  if (!found.ok) throw new Error(found.code);
  closers.push(found.account.close);
  const contract = new Contract(TARGET, ["function run()"], found.account.signer);
  return await transact({ contract, method: "run", args: [], timeoutMs: 20_000 });
}

function count(): Promise<number> {
  return provider.getTransactionCount(account);
}

describe("a signer in another process", () => {
  test("signs what is asked for, and it is sent from here", async () => {
    const before = await count();
    const bytes = await send({
      eth_signTransaction: async (asked) => ({ result: await sign(asked) }),
    });
    const beside = await send({
      eth_signTransaction: async (asked) => ({ result: { raw: await sign(asked), tx: {} } }),
    });
    expect([bytes, beside]).toMatchObject([{ ok: true }, { ok: true }]);
    expect(await count()).toBe(before + 2);
  });

  test("that signs another thing is not believed, and nothing is sent", async () => {
    const before = await count();
    const other = new Wallet(OTHER_KEY);
    for (const answer of [
      (asked: Asked) => sign(asked, { to: account }),
      (asked: Asked) => sign(asked, { value: 1n }),
      (asked: Asked) => sign(asked, { data: "0x" }),
      (asked: Asked) => sign(asked, { nonce: 1_000 }),
      (asked: Asked) => sign(asked, { chainId: 1n }),
      (asked: Asked) => sign(asked, {}, other),
      async () => "0x00",
      async () => null,
    ]) {
      expect(
        await send({ eth_signTransaction: async (asked) => ({ result: await answer(asked) }) }),
      ).toMatchObject({ ok: false, code: "signer-refused" });
    }
    expect(await count()).toBe(before);
  });

  test("that refuses is told from an L1 that is silent", async () => {
    const refusal = await send({ eth_signTransaction: () => ({ error: { code: -32_000 } }) });
    expect(refusal).toMatchObject({ ok: false, code: "signer-refused" });
    const both = await send({ eth_sendTransaction: () => ({ error: { code: 4_001 } }) });
    expect(both).toMatchObject({ ok: false, code: "signer-refused" });
  });

  test("that only sends is let send", async () => {
    const sent = await send({
      eth_sendTransaction: async (asked) => {
        const { hash } = await provider.broadcastTransaction(await sign(asked));
        return { result: hash };
      },
    });
    expect(sent).toMatchObject({ ok: true });
  });

  test("that may have sent, and does not say what, is not taken for a refusal", async () => {
    expect(await send({ eth_sendTransaction: () => ({ result: null }) })).toMatchObject({
      ...{ ok: false, code: "timed-out" },
    });
  });

  test("has to have the account, and one alone where none is named", async () => {
    const connect = async (result: unknown, named: Hex | null): Promise<unknown> => {
      answers = { eth_accounts: () => ({ result }) };
      const options = { url, account: named, provider, timeoutMs: 10_000 };
      const found = await connectExternalSigner(options);
      if (found.ok) closers.push(found.account.close);
      return found.ok ? found.account.address : found.code;
    };
    expect(await connect([wallet.address, TARGET], account)).toBe(account);
    expect(await connect([wallet.address, TARGET], null)).toBe("several-accounts");
    expect(await connect([TARGET], account)).toBe("unknown-account");
    expect(await connect([], null)).toBe("unknown-account");
    expect(await connect(["me"], null)).toBe("unknown-account");
    expect(await connect("me", null)).toBe("signer-unreachable");
  });
});

describe("a wallet's file", () => {
  test("opens by its password alone", async () => {
    const json = await encryptKeystoreJson(wallet, "correct", { scrypt: { N: 2, r: 1, p: 1 } });
    const opened = await openWallet(json, { password: "correct", provider });
    expect(opened).toMatchObject({ ok: true, account: { address: account } });
    expect(await openWallet(json, { password: "wrong", provider })).toEqual({
      ...{ ok: false, code: "wrong-password" },
    });
    for (const broken of ["", "{}", json.replace('"version":3', '"version":4')]) {
      expect(await openWallet(broken, { password: "correct", provider })).toEqual({
        ...{ ok: false, code: "malformed-wallet" },
      });
    }
  });
});
