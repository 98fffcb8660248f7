import type { ErrorTable } from '../core/errors.ts';

/** Codes of `mirror`: finding out what an ImageSetConfiguration selects. */
export const mirrorErrors: ErrorTable = {
  RELEASE_CHANNEL_FAILED: { exit: 'environment', summary: 'The update service gave no usable answer for a channel.' },
  RELEASE_CHANNEL_EMPTY: { exit: 'usage', summary: 'No release of a channel lies in the wanted range.' },
  RELEASE_VERSION_INVALID: { exit: 'usage', summary: 'A release version is no semantic version.' },
  RELEASE_RANGE_INVERTED: { exit: 'usage', summary: 'The minVersion of a channel is above its maxVersion.' },
  RELEASE_VERSION_UNKNOWN: { exit: 'usage', summary: 'A version that a path needs is not in the channel.' },
  RELEASE_PAYLOAD_INVALID: {
    exit: 'environment',
    summary: 'A release image does not hold what a release payload holds.',
  },
  RELEASE_SIGNATURE_ABSENT: { exit: 'environment', summary: 'A release image has no signature.' },
  RELEASE_SIGNATURE_INVALID: { exit: 'environment', summary: 'The signature of a release image is not right.' },
  RELEASE_KEY_INVALID: { exit: 'usage', summary: 'The key for release signatures cannot be read.' },
  COREOS_STREAM_INVALID: { exit: 'environment', summary: 'The CoreOS stream of a release cannot be read.' },
  COREOS_SIZE_UNKNOWN: { exit: 'environment', summary: 'The server of a CoreOS file does not say how long it is.' },
  COREOS_UNAVAILABLE: { exit: 'incomplete', summary: 'A CoreOS file is not where the stream says.' },
  LAYER_INVALID: { exit: 'environment', summary: 'An image layer is not a tar archive that can be read.' },
  LAYER_COMPRESSION_UNSUPPORTED: {
    exit: 'environment',
    summary: 'An image layer is compressed in a way that this Node.js cannot read.',
  },
  IMAGE_NAME_INVALID: { exit: 'usage', summary: 'An image of the configuration has no usable name.' },
  PLATFORM_UNKNOWN: { exit: 'incomplete', summary: 'An image has no instance for a wanted platform.' },
  LAYOUT_INVALID: { exit: 'usage', summary: 'A folder named by oci:// is no OCI image layout.' },
  GRAPH_UNAVAILABLE: { exit: 'incomplete', summary: 'The update graph image cannot be built.' },
  HELM_REPOSITORY_INVALID: { exit: 'incomplete', summary: 'A Helm repository has no usable index.' },
  HELM_CHART_UNKNOWN: { exit: 'incomplete', summary: 'A Helm repository does not have a chart.' },
  HELM_CHART_INVALID: { exit: 'incomplete', summary: 'A Helm chart cannot be read or rendered.' },
  HELM_PATH_INVALID: { exit: 'usage', summary: 'A path of imagePaths cannot be understood.' },
  URL_INVALID: { exit: 'usage', summary: 'Text is not an http or https URL.' },
  DELETE_LIST_INVALID: { exit: 'usage', summary: 'A file is no list of images to delete.' },
  CATALOG_INVALID: { exit: 'incomplete', summary: 'An operator catalog is not one that opm would accept.' },
  CATALOG_UNREADABLE: { exit: 'incomplete', summary: 'The content of an operator catalog cannot be read.' },
  CATALOG_FILTER_INVALID: { exit: 'usage', summary: 'What is asked of an operator catalog cannot be had of it.' },
  CATALOG_EMPTY: { exit: 'usage', summary: 'Nothing of an operator catalog is selected.' },
};
