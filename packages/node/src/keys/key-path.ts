/** The purpose of BLS12-381 keys (EIP-2334). */
const PURPOSE = 12_381;
/**
 * "MACH" in ASCII. A coin type of its own, so that one mnemonic never makes the key of a validator
 * of the beacon chain (3600) and of an operator alike.
 */
const COIN_TYPE = 0x4d_41_43_48;
const USE = 0;

/** The largest account, so that an index stays what SLIP-44 and other tools take. */
export const MAX_ACCOUNT = 0x7f_ff_ff_ff;

/** The indices of an operator's key number `account`, from 0 on (EIP-2334). */
export function keyPath(account: number): readonly number[] {
  return [PURPOSE, COIN_TYPE, account, USE];
}

/** The same as text, `m/12381/1296122696/0/0`. */
export function describePath(path: readonly number[]): string {
  return ["m", ...path].join("/");
}

/** Whether a keystore's path is that of a key of the beacon chain's validators. */
export function isBeaconPath(path: string): boolean {
  return /^m\/12381\/3600(\/|$)/.test(path);
}
