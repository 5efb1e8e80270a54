import { type Hex, isHex } from "@mach/core";
import { createL1Signer } from "@mach/settlement";
import { HDNodeWallet, type Wallet } from "ethers";

/** The mnemonic of anvil's own accounts: public, and worth nothing on any other chain. */
const ANVIL_MNEMONIC = "test test test test test test test test test test test junk";
const CALL_TIMEOUT_MS = 10_000;
const DEPLOYER = 0;
const GOVERNOR = 1;
const FIRST_OPERATOR = 2;

/** An account of anvil's, the same on every chain. */
export interface Account {
  readonly address: Hex;
  /** In hex. */
  readonly privateKey: string;
}

/** How many accounts of the L1 a network with so many operators takes. */
export function accountsFor(operatorCount: number): number {
  return FIRST_OPERATOR + operatorCount;
}

/** Pays for the contracts, and has no power over them. */
export function deployerAccount(): Account {
  return accountAt(DEPLOYER);
}

/** Schedules what the timelocks do. */
export function governorAccount(): Account {
  return accountAt(GOVERNOR);
}

/** The account of the operator at an index from 0 on. */
export function operatorAccount(index: number): Account {
  return accountAt(FIRST_OPERATOR + index);
}

/** Signs for the account on a chain. */
export function signerOf(
  account: Account,
  chain: { readonly rpcUrl: string; readonly chainId: bigint },
): Wallet {
  const { rpcUrl, chainId } = chain;
  const { privateKey } = account;
  return createL1Signer({ rpcUrl, chainId, privateKey, timeoutMs: CALL_TIMEOUT_MS });
}

function accountAt(index: number): Account {
  const path = `m/44'/60'/0'/0/${index}`;
  const wallet = HDNodeWallet.fromPhrase(ANVIL_MNEMONIC, undefined, path);
  const address = wallet.address.toLowerCase();
  if (!isHex(address, 20)) throw new TypeError("an address was expected");
  return { address, privateKey: wallet.privateKey };
}
