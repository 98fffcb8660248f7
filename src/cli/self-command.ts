import { realpathSync } from 'node:fs';

/** What starts this tool again: the packaged executable alone, else Node with `script`, the one that it was given. */
export function findSelfCommand(script: string | undefined): string[] {
  // Node gives a single executable its own path in the place of a script.
  const isPackaged = script === undefined || script === process.execPath || isSingleExecutable();
  return isPackaged ? [process.execPath] : [process.execPath, withoutLinks(script)];
}

/** npx and npm link start it through a link: beside that one no package lies, and the one of npx is gone when npm clears its cache. */
function withoutLinks(script: string): string {
  try {
    return realpathSync(script);
  } catch {
    // Node also takes a script without its extension, and then there is no file of that name.
    return script;
  }
}

function isSingleExecutable(): boolean {
  // Not there before Node 20.16, which no package is made with.
  const sea = process.getBuiltinModule?.('node:sea') as { isSea?: () => boolean } | undefined;
  return sea?.isSea?.() === true;
}
