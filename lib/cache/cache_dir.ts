/**
 * Where caches belong on each platform.
 *
 * @module
 */

/** What decides the place: the operating system and its environment. */
export interface Platform {
  readonly os: string;
  readonly env: (name: string) => string | undefined;
}

/**
 * The cache folder of bfa, or `undefined` where the environment names none.
 *
 * `BFA_CACHE_DIR`; else `%LOCALAPPDATA%\bfa\cache`, `~/Library/Caches/bfa` or `$XDG_CACHE_HOME/bfa`,
 * which is `~/.cache/bfa` when unset.
 */
export function defaultCacheDir({ os, env }: Platform): string | undefined {
  const own = env("BFA_CACHE_DIR");
  if (own) return own;
  if (os === "windows") {
    const local = env("LOCALAPPDATA");
    return local && `${local}/bfa/cache`;
  }
  const home = env("HOME");
  if (os === "darwin") return home && `${home}/Library/Caches/bfa`;
  const xdg = env("XDG_CACHE_HOME");
  if (xdg?.startsWith("/")) return `${xdg}/bfa`; // the XDG standard ignores relative paths
  return home && `${home}/.cache/bfa`;
}

/** The user's settings file, or `undefined` where the environment names none. */
export function userConfigFile({ os, env }: Platform): string | undefined {
  const home = env("HOME");
  if (os === "windows") {
    const roaming = env("APPDATA");
    return roaming && `${roaming}/bfa/config.json`;
  }
  if (os === "darwin") {
    return home && `${home}/Library/Application Support/bfa/config.json`;
  }
  const xdg = env("XDG_CONFIG_HOME");
  if (xdg?.startsWith("/")) return `${xdg}/bfa/config.json`;
  return home && `${home}/.config/bfa/config.json`;
}
