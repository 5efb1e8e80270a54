declare module "secp256k1/bindings.js" {
  const library: {
    ecdsaRecover(
      signature: Uint8Array,
      recoveryId: number,
      hash: Uint8Array,
      compressed: boolean,
    ): Uint8Array;
  };

  export = library;
}
