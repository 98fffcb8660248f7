import type { ErrorTable } from '../core/errors.ts';

/** Codes of `workflow`. */
export const workflowErrors: ErrorTable = {
  SERVICES_FAILED: { exit: 'environment', summary: 'The services of the bastion did not come up.' },
  SERVICES_FOREIGN: { exit: 'environment', summary: 'The process that the state folder names is not ours.' },
  TARGET_INVALID: { exit: 'usage', summary: 'Text is not a target such as storage:DIR or docker://HOST:PORT/PREFIX.' },
  NOTHING_SELECTED: { exit: 'no', summary: 'An image set selects nothing at all.' },
  NOTHING_EMITTED: { exit: 'usage', summary: 'A folder holds nothing that emit wrote.' },
  PRUNE_IN_USE: { exit: 'no', summary: 'An image that an earlier prune took away is in use now.' },
  NOTHING_LOADED: { exit: 'no', summary: 'No bundle was loaded at this site yet.' },
  RELEASE_NOT_LOADED: { exit: 'no', summary: 'The site names a release that no loaded bundle carries.' },
  TOOL_MISSING: { exit: 'incomplete', summary: 'A client tool is not where it should come from.' },
  NEED_LIST_INVALID: { exit: 'usage', summary: 'A file is no need list of a bundle.' },
  DECLINED: { exit: 'no', summary: 'The question whether to go on was answered with no.' },
  DEMO_FAILED: { exit: 'environment', summary: 'The demo did not come to its end.' },
  MIRROR_RECORD_INVALID: { exit: 'environment', summary: 'The record of what was mirrored cannot be read.' },
  ENGINE_DIFFERS: { exit: 'usage', summary: 'A build was begun with another engine.' },
};
