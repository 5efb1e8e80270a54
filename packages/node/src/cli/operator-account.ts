import { type Hex, isHex } from "@mach/core";
import {
  connectExternalSigner,
  type L1Account,
  type L1Connection,
  openWallet,
} from "@mach/settlement";
import { readOwnFile } from "../secret-file.ts";
import { parseAddress, parseUrl } from "./arguments.ts";
import { type CommandContext, UsageError } from "./command.ts";
import { notDone, readPassword, type Step } from "./keys-secrets.ts";
import { refusedAction } from "./operator-words.ts";

/** The options by which a command is told the account that sends its transactions. */
export const ACCOUNT_OPTIONS = {
  wallet: { type: "string" },
  "wallet-password-file": { type: "string" },
  signer: { type: "string" },
  account: { type: "string" },
} as const;

/** How they are told in a command's usage. */
export const ACCOUNT_USAGE = `\
  --wallet FILE                    a JSON wallet (version 3, as ethers and geth write it), mode
                                   0600
  --wallet-password-file FILE      its password, mode 0600; asked for at the terminal without it
  --signer URL                     a signer that answers eth_signTransaction or
                                   eth_sendTransaction (Web3Signer, a node in front of clef), in
                                   the place of --wallet
  --account 0x...                  which of its accounts; with --dry-run it is enough by itself`;

/** What `parseArgs` makes of them. */
export interface AccountValues {
  readonly wallet?: string | undefined;
  readonly "wallet-password-file"?: string | undefined;
  readonly signer?: string | undefined;
  readonly account?: string | undefined;
}

/** The account that sends: opened once something is sent, its address known before. */
export interface Sender {
  readonly address: Hex;
  /** Asks for the wallet's password, or is the signer's. */
  open(): Promise<Step<L1Account>>;
  close(): Promise<void>;
}

const MAX_WALLET_BYTES = 65_536;
const CONFIRM_MS = 300_000;
const NOTHING_OPEN = (): Promise<void> => Promise.resolve();

/** The account that the options name. Throws a UsageError for none, and for several. */
export async function readSender(
  values: AccountValues & { readonly "dry-run"?: boolean | undefined },
  { l1, context }: { readonly l1: L1Connection; readonly context: CommandContext },
): Promise<Step<Sender>> {
  const { wallet, signer } = values;
  const account = values.account === undefined ? null : parseAddress(values.account, "--account");
  if (wallet !== undefined && signer !== undefined) {
    throw new UsageError("--wallet and --signer exclude each other");
  }
  if (wallet !== undefined) return await fromWallet(wallet, { values, account, l1, context });
  if (signer !== undefined) return await fromSigner(parseUrl(signer, "--signer"), { account, l1 });
  if (account === null || values["dry-run"] !== true) {
    throw new UsageError("--wallet or --signer is missing; with --dry-run --account is enough");
  }
  const open = (): never => {
    throw new Error("a dry run sends nothing");
  };
  return { ok: true, value: { address: account, open, close: NOTHING_OPEN } };
}

async function fromWallet(
  file: string,
  about: {
    readonly values: AccountValues;
    readonly account: Hex | null;
    readonly l1: L1Connection;
    readonly context: CommandContext;
  },
): Promise<Step<Sender>> {
  const { values, account, l1, context } = about;
  const read = await readOwnFile(file, MAX_WALLET_BYTES);
  if (!read.ok) return notDone(file, read.code);
  const { text } = read;
  let opened: Promise<Step<L1Account>> | null = null;
  const open = (): Promise<Step<L1Account>> => {
    opened ??= openFile();
    return opened;
  };
  async function openFile(): Promise<Step<L1Account>> {
    const option = "wallet-password-file";
    const password = await readPassword({ file: values[option], option, of: file }, context);
    if (!password.ok) return password;
    const result = await openWallet(text, {
      password: password.value,
      provider: l1.provider,
    });
    if (!result.ok) return { ok: false, answer: refusedAction({ code: result.code, file }) };
    return { ok: true, value: result.account };
  }
  // A wallet that names another address than its key's does not open.
  const named = addressIn(text);
  if (named === null) {
    const first = await open();
    return first.ok ? sendAs(first.value.address, account, open) : first;
  }
  return sendAs(named, account, open);
}

function sendAs(
  address: Hex,
  account: Hex | null,
  open: () => Promise<Step<L1Account>>,
): Step<Sender> {
  if (account === null || account === address) {
    return { ok: true, value: { address, open, close: NOTHING_OPEN } };
  }
  return { ok: false, answer: refusedAction({ code: "unknown-account", account }) };
}

/** What a wallet says in plain text of whose it is, which it need not. */
function addressIn(json: string): Hex | null {
  try {
    const parsed: unknown = JSON.parse(json);
    const address = (parsed as { readonly address?: unknown } | null)?.address;
    const hex = typeof address === "string" ? `0x${address.replace(/^0x/i, "").toLowerCase()}` : "";
    return isHex(hex, 20) ? hex : null;
  } catch {
    // No JSON: opening it says so.
    return null;
  }
}

async function fromSigner(
  url: string,
  { account, l1 }: { readonly account: Hex | null; readonly l1: L1Connection },
): Promise<Step<Sender>> {
  const { provider } = l1;
  const result = await connectExternalSigner({ url, account, provider, timeoutMs: CONFIRM_MS });
  if (!result.ok) {
    return { ok: false, answer: refusedAction({ code: result.code, account, url }) };
  }
  const opened: Step<L1Account> = { ok: true, value: result.account };
  const { address } = result.account;
  const close = (): Promise<void> => result.account.close();
  return { ok: true, value: { address, open: async () => opened, close } };
}
