export { configJsonSchema, type JsonSchema } from "./config/json-schema.ts";
export { type ConfigField, configFields, dotted } from "./config/reference.ts";
export { flow } from "./config/yaml-text.ts";
export { loadConfig, type NodeConfig } from "./config.ts";
export { type DataFolder, openDataFolder } from "./data-folder.ts";
export { createGossip, type Gossip, type GossipOptions } from "./gossip/gossip.ts";
export type { GossipHandlers } from "./gossip/handlers.ts";
export type { NodeOptions, RunningNode } from "./main.ts";
export { initialiseProtection } from "./signer/open-protection.ts";
