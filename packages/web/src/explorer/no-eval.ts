declare global {
  var __zod_globalConfig: { jitless?: boolean } | undefined;
}

/**
 * The schemas would try out `new Function` once, which the content security policy refuses and
 * reports. To be loaded before them.
 */
globalThis.__zod_globalConfig = { ...globalThis.__zod_globalConfig, jitless: true };

export {};
