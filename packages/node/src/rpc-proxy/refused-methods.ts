/*
 * What nobody may ask of somebody else's node: it changes the node, signs with its keys, or takes
 * minutes of its time. All other methods pass.
 */

const NAMESPACES: ReadonlySet<string> = new Set([
  "admin",
  "anvil",
  "clique",
  "debug",
  "engine",
  "evm",
  "hardhat",
  "les",
  "miner",
  "parity",
  "personal",
  "tenderly",
]);

const METHODS: ReadonlySet<string> = new Set([
  "eth_sendtransaction",
  "eth_sign",
  "eth_signtransaction",
  "eth_signtypeddata",
  "eth_signtypeddata_v3",
  "eth_signtypeddata_v4",
  "eth_sendunsignedtransaction",
]);

/** Whether a method is kept from the public; some nodes do not mind the case of a name. */
export function isRefused(method: string): boolean {
  const name = method.toLowerCase();
  const [namespace = ""] = name.split("_", 1);
  return METHODS.has(name) || NAMESPACES.has(namespace);
}
