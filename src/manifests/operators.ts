import type { Gate } from '../cluster/index.ts';
import { AirlockError } from '../core/errors.ts';
import type { SelectedCatalog } from '../plan/index.ts';
import { catalogNames } from './catalogs.ts';
import type { MirroredContent } from './cluster-resources.ts';
import type { Resource } from './resource.ts';

/** An operator to install from a mirrored catalog. */
export interface OperatorRequest {
  /** OLM package. */
  readonly name: string;
  readonly namespace: string;
  /** Left out: the package's default channel in the mirrored catalog. */
  readonly channel?: string;
  /** The operator watches its own namespace only; otherwise all. */
  readonly ownNamespace: boolean;
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  /** The subscription's `config`. */
  readonly config?: unknown;
}

/** Namespace, OperatorGroup and Subscription of an operator. @throws AirlockError SITE_CONTENT_MISSING */
export function operatorResources(request: OperatorRequest, content: MirroredContent): Resource[] {
  const { name, namespace } = request;
  const { catalog, channel } = getPackage(request, content);
  return [
    namespaceResource(namespace, request.namespaceLabels),
    {
      apiVersion: 'operators.coreos.com/v1',
      kind: 'OperatorGroup',
      metadata: { name, namespace },
      spec: request.ownNamespace ? { targetNamespaces: [namespace] } : {},
    },
    {
      apiVersion: 'operators.coreos.com/v1alpha1',
      kind: 'Subscription',
      metadata: { name, namespace },
      spec: {
        name,
        channel,
        source: `cs-${catalogNames(content.catalogs, content.target)(catalog)}`,
        sourceNamespace: 'openshift-marketplace',
        installPlanApproval: 'Automatic',
        ...(request.config === undefined ? {} : { config: request.config }),
      },
    },
  ];
}

/** What to wait for after `operatorResources`. */
export function operatorGates(request: OperatorRequest): Gate[] {
  return [{ kind: 'subscriptionInstalled', namespace: request.namespace, name: request.name }];
}

/** A Namespace with labels. */
export function namespaceResource(name: string, labels?: Readonly<Record<string, string>>): Resource {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...(labels ? { labels } : {}) } };
}

/** Whether a mirrored catalog has the package. */
export function hasPackage(name: string, content: MirroredContent): boolean {
  return content.catalogs.some((catalog) => catalog.packages.some((one) => one.name === name));
}

function getPackage(
  request: OperatorRequest,
  content: MirroredContent,
): { readonly catalog: SelectedCatalog; readonly channel: string } {
  for (const catalog of content.catalogs) {
    const found = catalog.packages.find((one) => one.name === request.name);
    if (!found) continue;
    const channel = request.channel ?? found.defaultChannel;
    if (found.channels.some((one) => one.name === channel)) return { catalog, channel };
    throw new AirlockError(
      'SITE_CONTENT_MISSING',
      `package ${request.name} was mirrored without channel ${channel}; there is ${found.channels.map((one) => one.name).join(', ')}`,
      { hint: 'add the channel to the image set, or name another one in the site file' },
    );
  }
  throw new AirlockError('SITE_CONTENT_MISSING', `package ${request.name} is in no mirrored catalog`, {
    hint: 'add it to the operators of the image set, build, carry and load, then emit again',
    details: { package: request.name },
  });
}
