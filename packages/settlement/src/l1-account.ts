import { setTimeout as sleep } from "node:timers/promises";
import { type Hex, isHex } from "@mach/core";
import { createHttpClient, isObject, type RpcClient, type RpcFailure } from "@mach/rpc";
import {
  AbstractSigner,
  makeError,
  type Provider,
  type Signer,
  Transaction,
  type TransactionLike,
  type TransactionRequest,
  type TransactionResponse,
  toQuantity,
  Wallet,
} from "ethers";
import { SettlementError } from "./errors.ts";

/** An account of the L1 that signs transactions. */
export interface L1Account {
  readonly address: Hex;
  readonly signer: Signer;
  close(): Promise<void>;
}

export type OpenWalletResult =
  | { readonly ok: true; readonly account: L1Account }
  /** It is no JSON wallet of version 3, or the password is not its own. */
  | { readonly ok: false; readonly code: "malformed-wallet" | "wrong-password" };

/** Opens a JSON wallet (Web3 Secret Storage, version 3). It takes seconds: that is its purpose. */
export async function openWallet(
  json: string,
  { password, provider }: { readonly password: string; readonly provider: Provider },
): Promise<OpenWalletResult> {
  try {
    const opened = await Wallet.fromEncryptedJson(json, password);
    const signer = new Wallet(opened.privateKey, provider);
    const address = signer.address.toLowerCase();
    if (!isHex(address, 20)) return { ok: false, code: "malformed-wallet" };
    return { ok: true, account: { address, signer, close: async () => undefined } };
  } catch (error) {
    // ethers has no code for it, and a person has to know which of the two is wrong.
    const isPassword = error instanceof Error && error.message.startsWith("incorrect password");
    return { ok: false, code: isPassword ? "wrong-password" : "malformed-wallet" };
  }
}

export interface ExternalSignerOptions {
  /** Where it answers eth_accounts and eth_signTransaction, or eth_sendTransaction. */
  readonly url: string;
  /** Whose transactions it signs; null where it has one account. */
  readonly account: Hex | null;
  readonly provider: Provider;
  /** Of each call, in milliseconds: a person may have to confirm it. */
  readonly timeoutMs: number;
}

export type ExternalSignerResult =
  | { readonly ok: true; readonly account: L1Account }
  | {
      readonly ok: false;
      readonly code: /** It does not answer eth_accounts. */
        | "signer-unreachable"
        /** It has not the account that was asked for, or none. */
        | "unknown-account"
        /** It has several, and nobody said which. */
        | "several-accounts";
    };

const MAX_ANSWER_BYTES = 1_048_576;
/** JSON-RPC 2.0, section 5.1. */
const METHOD_NOT_FOUND = -32_601;
/** How often, and how far apart, what the signer has sent is looked for. */
const MAX_LOOKS = 20;
const LOOK_MS = 500;

/** Connects to what signs for an account in another process. Never rejects. */
export async function connectExternalSigner(
  options: ExternalSignerOptions,
): Promise<ExternalSignerResult> {
  const { url, timeoutMs, provider } = options;
  const client = createHttpClient({
    ...{ url, timeoutMs },
    ...{ maxResponseBytes: MAX_ANSWER_BYTES, maxInFlight: 1 },
  });
  const answer = await client.call("eth_accounts", []);
  const found = answer.ok ? pickAccount(answer.value, options.account) : "signer-unreachable";
  if (!isHex(found)) {
    await client.close();
    return { ok: false, code: found };
  }
  const signer = new ExternalSigner({ client, provider }, found);
  return { ok: true, account: { address: found, signer, close: () => client.close() } };
}

function pickAccount(
  value: unknown,
  account: Hex | null,
): Hex | "signer-unreachable" | "unknown-account" | "several-accounts" {
  if (!Array.isArray(value)) return "signer-unreachable";
  const accounts = value.map((each: unknown) => String(each).toLowerCase());
  if (account !== null) return accounts.includes(account) ? account : "unknown-account";
  const [only, ...others] = accounts;
  if (others.length > 0) return "several-accounts";
  return only !== undefined && isHex(only, 20) ? only : "unknown-account";
}

/** Has another process sign, and sends itself what it signed, where it is what was asked for. */
class ExternalSigner extends AbstractSigner<Provider> {
  readonly #client: RpcClient;
  readonly #address: Hex;

  constructor(
    { client, provider }: { readonly client: RpcClient; readonly provider: Provider },
    address: Hex,
  ) {
    super(provider);
    this.#client = client;
    this.#address = address;
  }

  getAddress(): Promise<string> {
    return Promise.resolve(this.#address);
  }

  connect(provider: Provider): ExternalSigner {
    return new ExternalSigner({ client: this.#client, provider }, this.#address);
  }

  async signTransaction(request: TransactionRequest): Promise<string> {
    const signed = await this.#sign(await this.populateTransaction(request));
    if (signed !== null) return signed;
    throw refused("it knows no eth_signTransaction");
  }

  override async sendTransaction(request: TransactionRequest): Promise<TransactionResponse> {
    const transaction = await this.populateTransaction(request);
    const signed = await this.#sign(transaction);
    if (signed !== null) return await this.provider.broadcastTransaction(signed);
    const answer = await this.#client.call("eth_sendTransaction", [this.#toJson(transaction)]);
    if (!answer.ok && answer.code === "rpc-error") throw refused(describe(answer));
    const hash = answer.ok ? answer.value : null;
    // From here on it may have been sent, whatever the answer was.
    if (typeof hash !== "string" || !isHex(hash, 32)) throw lost("the signer told no hash");
    const sent = await this.#find(hash);
    if (sent === null) throw lost(`the L1's endpoint does not know ${hash}`);
    return sent;
  }

  async #find(hash: Hex): Promise<TransactionResponse | null> {
    for (let looks = 1; ; looks++) {
      const found = await this.provider.getTransaction(hash);
      if (found !== null || looks === MAX_LOOKS) return found;
      await sleep(LOOK_MS);
    }
  }

  signMessage(): Promise<string> {
    return Promise.reject(refused("it is asked for transactions alone"));
  }

  signTypedData(): Promise<string> {
    return Promise.reject(refused("it is asked for transactions alone"));
  }

  /** Null where it does not know how. */
  async #sign(transaction: TransactionLike): Promise<string | null> {
    const answer = await this.#client.call("eth_signTransaction", [this.#toJson(transaction)]);
    if (!answer.ok && answer.number === METHOD_NOT_FOUND) return null;
    if (!answer.ok) throw refused(describe(answer));
    // Some answer with the bytes, some with the bytes beside the transaction.
    const raw = isObject(answer.value) ? answer.value["raw"] : answer.value;
    const { from: _, ...unsigned } = transaction;
    if (typeof raw === "string" && isSignedBy(raw, this.#address, Transaction.from(unsigned))) {
      return raw;
    }
    throw refused("it signed another transaction than it was asked for");
  }

  #toJson(transaction: TransactionLike): Readonly<Record<string, unknown>> {
    const quantities = {
      ...{ gas: transaction.gasLimit, nonce: transaction.nonce, value: transaction.value ?? 0n },
      ...{ chainId: transaction.chainId, type: transaction.type },
      gasPrice: transaction.gasPrice,
      maxFeePerGas: transaction.maxFeePerGas,
      maxPriorityFeePerGas: transaction.maxPriorityFeePerGas,
    };
    const given = Object.entries(quantities).flatMap(([name, value]) =>
      value === undefined || value === null ? [] : [[name, toQuantity(value)]],
    );
    const { to, data } = transaction;
    return { from: this.#address, to, data, ...Object.fromEntries(given) };
  }
}

/** What comes back is sent on: it must be what was asked for, byte for byte. */
function isSignedBy(raw: string, address: Hex, unsigned: Transaction): boolean {
  try {
    const signed = Transaction.from(raw);
    return (
      signed.from?.toLowerCase() === address &&
      signed.unsignedSerialized === unsigned.unsignedSerialized
    );
  } catch {
    // Bytes that are no transaction.
    return false;
  }
}

function describe({ code, number }: RpcFailure): string {
  return number === undefined ? code : `${code} ${number}`;
}

function lost(why: string): Error {
  return makeError(why, "TIMEOUT", { operation: "sendTransaction", reason: "unknown" });
}

function refused(why: string): SettlementError {
  return new SettlementError("signer-refused", why);
}
