export { loadConfig, type NodeConfig } from "./config.ts";
export { type DataFolder, openDataFolder } from "./data-folder.ts";
export type { NodeOptions, RunningNode } from "./main.ts";
export { initialiseProtection } from "./signer/open-protection.ts";
