/** The version of this software, as the API names it. */
export const VERSION = "mach/0.1.0";
