import type { AccountFields, StateManagerInterface } from "@ethereumjs/common";
import { Account, type Address, unpadBytes } from "@ethereumjs/util";
import type { Ghosts } from "./block-input.ts";
import { mapKey } from "./keccak.ts";
import { type AccountState, StateOverlay } from "./state-overlay.ts";
import type { ReadPreimage } from "./trie.ts";
import type { Missing } from "./verdict.ts";

/**
 * The state that the EVM executes on. The library's own state manager reads a node that is missing
 * as an empty account or a zero, and missing code as none, so that whoever serves the witness
 * could choose the result; this one throws a MissingPreimageError.
 */
export class WitnessState implements StateManagerInterface {
  readonly originalStorageCache: StateManagerInterface["originalStorageCache"];
  readonly #overlay: StateOverlay;

  constructor(stateRoot: Uint8Array, read: ReadPreimage) {
    const overlay = new StateOverlay(stateRoot, read);
    this.#overlay = overlay;
    this.originalStorageCache = {
      get: async (address, key) => overlay.originalSlot(mapKey(address.bytes), mapKey(key)),
      clear: () => overlay.forgetOriginals(),
    };
  }

  /** What a read has missed; once there is something here no result counts. */
  missing(): readonly Missing[] {
    return this.#overlay.missing();
  }

  /** The root of the state as it stands. Throws a MissingPreimageError. */
  computeRoot(): Uint8Array {
    return this.#overlay.root();
  }

  /** The root of an account's storage as it stands. Throws a MissingPreimageError. */
  computeStorageRoot(address: Address): Uint8Array {
    return this.#overlay.storageRoot(mapKey(address.bytes));
  }

  /** Lets the tries hold empty accounts and zero slots, as anvil's do. */
  addGhosts(ghosts: Ghosts): void {
    this.#overlay.addGhosts(ghosts);
  }

  /** Drops what was written of an account: it stays as the parent has it. */
  forget(address: Address): void {
    this.#overlay.forgetAccount(mapKey(address.bytes));
  }

  async getAccount(address: Address): Promise<Account | undefined> {
    const key = mapKey(address.bytes);
    const account = this.#overlay.account(key);
    if (account === null) return undefined;
    const storageRoot = this.#overlay.storageRootBefore(key);
    return new Account(account.nonce, account.balance, storageRoot, account.codeHash);
  }

  async putAccount(address: Address, account?: Account): Promise<void> {
    this.#overlay.writeAccount(mapKey(address.bytes), account ? stateOf(account) : null);
  }

  async deleteAccount(address: Address): Promise<void> {
    const key = mapKey(address.bytes);
    this.#overlay.writeAccount(key, null);
    this.#overlay.clearStorage(key);
  }

  async modifyAccountFields(address: Address, fields: AccountFields): Promise<void> {
    const { nonce, balance, codeHash } = (await this.getAccount(address)) ?? new Account();
    this.#overlay.writeAccount(mapKey(address.bytes), {
      nonce: fields.nonce ?? nonce,
      balance: fields.balance ?? balance,
      codeHash: fields.codeHash ?? codeHash,
    });
  }

  async putCode(address: Address, code: Uint8Array): Promise<void> {
    await this.modifyAccountFields(address, { codeHash: this.#overlay.keepCode(code) });
  }

  async getCode(address: Address): Promise<Uint8Array> {
    return this.#overlay.code(mapKey(address.bytes));
  }

  async getCodeSize(address: Address): Promise<number> {
    return this.#overlay.code(mapKey(address.bytes)).length;
  }

  async getStorage(address: Address, key: Uint8Array): Promise<Uint8Array> {
    return this.#overlay.slot(mapKey(address.bytes), mapKey(key));
  }

  async putStorage(address: Address, key: Uint8Array, value: Uint8Array): Promise<void> {
    const unpadded = Uint8Array.from(unpadBytes(value));
    this.#overlay.writeSlot(mapKey(address.bytes), mapKey(key), unpadded);
  }

  async clearStorage(address: Address): Promise<void> {
    this.#overlay.clearStorage(mapKey(address.bytes));
  }

  async checkpoint(): Promise<void> {
    this.#overlay.checkpoint();
  }

  async commit(): Promise<void> {
    this.#overlay.commit();
  }

  async revert(): Promise<void> {
    this.#overlay.revert();
  }

  clearCaches(): void {
    // There is nothing that could be stale: one instance serves one block.
  }

  // The library asks for these where it runs blocks or copies itself, which nothing here does.
  getStateRoot(): Promise<Uint8Array> {
    return Promise.reject(new Error("ask for computeRoot"));
  }

  setStateRoot(): Promise<void> {
    return Promise.reject(new Error("the state begins at the root that it was made with"));
  }

  hasStateRoot(): Promise<boolean> {
    return Promise.reject(new Error("the state has one root"));
  }

  shallowCopy(): StateManagerInterface {
    throw new Error("the state of a block is not copied");
  }
}

function stateOf({ nonce, balance, codeHash }: Account): AccountState {
  return { nonce, balance, codeHash };
}
