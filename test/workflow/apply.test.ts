import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/cluster/index.ts';
import { AirlockError } from '../../src/core/errors.ts';
import { type ManifestStage, renderStages } from '../../src/manifests/stages.ts';
import { type CommandEnding, runCommand } from '../cluster/command.ts';
import { FakeApi } from '../cluster/fake-api.ts';
import { airlock, startAirlock } from '../helpers/airlock.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const ca = (letter: string): string => `-----BEGIN CERTIFICATE-----\n${letter.repeat(8)}\n-----END CERTIFICATE-----\n`;
const configMap = (name: string, data: Record<string, string>, namespace = 'kitchen'): ClusterObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});
const secret: ClusterObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'larder-key', namespace: 'kitchen' },
  type: 'Opaque',
  data: { password: Buffer.from('paprika-4711').toString('base64') },
};
const catalog: ClusterObject = {
  apiVersion: 'operators.coreos.com/v1alpha1',
  kind: 'CatalogSource',
  metadata: { name: 'cs-kitchen', namespace: 'openshift-marketplace' },
  status: { connectionState: { lastObservedState: 'READY' } },
};

function stage(name: string, resources: readonly ClusterObject[], gates: ManifestStage['gates'] = []): ManifestStage {
  const file = { name: '1-objects.yaml', resources, why: 'for dinner' };
  return { name, title: `Cook ${name}`, cluster: 'management', files: [file], gates, timeoutSeconds: 1 };
}

const usual: readonly ManifestStage[] = [
  stage('pots', [configMap('pot', { lid: 'yes' }), secret]),
  stage('pans', [configMap('pan', { oil: 'olive' })]),
];

/** An emitted folder and a cluster, and the command line between them. */
async function bench(stages: readonly ManifestStage[] = usual) {
  const cwd = await temporaryFolder();
  for (const file of renderStages(stages)) {
    await mkdir(path.dirname(path.join(cwd, 'manifests', file.path)), { recursive: true });
    await writeFile(path.join(cwd, 'manifests', file.path), file.content, { mode: file.mode });
  }
  const api = new FakeApi();
  await writeFile(path.join(cwd, 'hub.kubeconfig'), await api.listen());
  const apply = (flags: readonly string[] = [], world: Partial<Parameters<typeof runCommand>[1]> = {}) =>
    runCommand(['apply', '--kubeconfig', 'hub.kubeconfig', ...flags], { cwd, ...world });
  return { cwd, api, apply };
}

function codeOf(ending: CommandEnding): unknown {
  return ending.error instanceof AirlockError ? ending.error.code : ending.error;
}

describe('airlock apply', () => {
  test('applies with -y, and a second run changes nothing and needs no answer', async () => {
    const { api, apply } = await bench();
    expect(await apply(['-y'])).toMatchObject({ exitCode: 0, asked: [] });
    const written = [...api.writes];
    expect(written).toHaveLength(3);
    const second = await apply();
    expect(second).toMatchObject({ exitCode: 0, outcome: { text: expect.stringContaining('nothing to change') } });
    expect(api.writes).toEqual(written);
  });

  test('lists with --dry-run=client what would be sent, without a kubeconfig, and says nothing of nodes', async () => {
    const { cwd } = await bench();
    const ending = await runCommand(['apply', '--dry-run=client'], { cwd });
    expect(ending.exitCode).toBe(0);
    expect(ending.outcome?.text).toContain('pots: Cook pots (what nodes do, only the cluster can tell)');
  });

  test.each([['--diff'], ['--dry-run=server'], ['--dry-run=client'], ['--dry-run']])(
    'changes nothing with %s, and shows fields but no value of a Secret',
    async (flag) => {
      const { api, apply } = await bench();
      const ending = await apply([flag]);
      expect(ending.exitCode).toBe(0);
      expect(ending.outcome?.text).toContain('+ data.lid: "yes"');
      expect(ending.outcome?.text).toContain('(hidden)');
      const all = JSON.stringify([ending.outcome, ending.events]);
      for (const form of ['paprika-4711', Buffer.from('paprika-4711').toString('base64')])
        expect(all).not.toContain(form);
      expect(api.writes).toEqual([]);
    },
  );

  test('names no value of a Secret on a real run either', async () => {
    const { apply } = await bench();
    const ending = await apply(['-y']);
    expect(JSON.stringify(ending)).not.toContain(Buffer.from('paprika-4711').toString('base64'));
  });

  test('applies only the stages that are named, and refuses one that is not there', async () => {
    const { api, apply } = await bench();
    expect((await apply(['-y', '--stage', 'pans'])).exitCode).toBe(0);
    expect(api.writes).toEqual(['APPLY v1 ConfigMap kitchen/pan']);
    const wrong = await apply(['-y', '--stage', 'woks']);
    expect([wrong.exitCode, codeOf(wrong)]).toEqual([2, 'STAGE_UNKNOWN']);
  });

  test('ends with 2 and names -y where there is no terminal to ask on', async () => {
    const { api, apply } = await bench();
    const ending = await apply();
    expect([ending.exitCode, codeOf(ending)]).toEqual([2, 'USAGE']);
    expect((ending.error as AirlockError).hint).toContain('-y');
    expect(api.writes).toEqual([]);
  });

  test('ends with 1 when declined, and keeps the stages that were agreed to', async () => {
    const { api, apply } = await bench();
    const ending = await apply([], { answers: [true, false] });
    expect([ending.exitCode, codeOf(ending)]).toEqual([1, 'APPLY_DECLINED']);
    expect(ending.asked).toEqual(['Apply stage pots?', 'Apply stage pans?']);
    expect(api.writes).toEqual(['APPLY v1 ConfigMap kitchen/pot', 'APPLY v1 Secret kitchen/larder-key']);
    const again = await apply([], { answers: [true] });
    expect([again.exitCode, again.asked]).toEqual([0, ['Apply stage pans?']]);
  });

  test('ends with 1 at a conflict and names field and owner', async () => {
    const { api, apply } = await bench();
    api.put(configMap('pot', { lid: 'no' }), 'argocd');
    const ending = await apply(['-y']);
    expect([ending.exitCode, codeOf(ending)]).toEqual([1, 'FIELD_CONFLICT']);
    expect(String(ending.error)).toContain('argocd');
    expect((await apply(['-y', '--force-conflicts'])).exitCode).toBe(0);
  });

  test('ends with 3 when a gate stays shut, continues there, and does not wait with --no-wait', async () => {
    const gate = { kind: 'catalogReady' as const, namespace: 'openshift-marketplace', name: 'cs-kitchen' };
    const { api, apply } = await bench([stage('pots', [configMap('pot', {})], [gate]), stage('pans', [secret])]);
    const ending = await apply(['-y', '--timeout', '1']);
    expect([ending.exitCode, codeOf(ending)]).toEqual([3, 'GATE_TIMEOUT']);
    expect(String(ending.error)).toContain('CatalogSource cs-kitchen is not connected yet');
    expect(api.writes).toEqual(['APPLY v1 ConfigMap kitchen/pot']);
    api.put(catalog);
    expect((await apply(['-y'])).exitCode).toBe(0);
    api.objects.delete('operators.coreos.com/v1alpha1 CatalogSource openshift-marketplace/cs-kitchen');
    expect((await apply(['--no-wait'])).exitCode).toBe(0);
  });

  test('continues after an interruption between two objects', async () => {
    const { api, apply } = await bench();
    const controller = new AbortController();
    const stopped = await apply(['-y'], {
      signal: controller.signal,
      onEvent: (event) => {
        if ('subject' in event && event.subject === 'ConfigMap kitchen/pot') controller.abort();
      },
    });
    expect([stopped.exitCode, codeOf(stopped)]).toEqual([130, 'CANCELLED']);
    expect(api.writes).toEqual(['APPLY v1 ConfigMap kitchen/pot']);
    expect((await apply(['-y'])).exitCode).toBe(0);
    expect(api.writes).toEqual([
      'APPLY v1 ConfigMap kitchen/pot',
      'APPLY v1 Secret kitchen/larder-key',
      'APPLY v1 ConfigMap kitchen/pan',
    ]);
  });

  test('ends with 130 at Ctrl-C while it waits, and goes on when started again', async () => {
    const gate = { kind: 'catalogReady' as const, namespace: 'openshift-marketplace', name: 'cs-kitchen' };
    const slow = { ...stage('pots', [configMap('pot', {})], [gate]), timeoutSeconds: 60 };
    const { cwd, api } = await bench([slow]);
    const run = await startAirlock(['apply', '--kubeconfig', 'hub.kubeconfig', '-y'], { cwd });
    await run.said(/not connected yet/);
    run.child.kill('SIGINT');
    expect((await run.ended).exitCode).toBe(130);
    api.put(catalog);
    const again = await airlock(['apply', '--kubeconfig', 'hub.kubeconfig'], { cwd });
    expect([again.exitCode, again.stdout]).toEqual([0, expect.stringContaining('nothing to change')]);
    expect(api.writes).toEqual(['APPLY v1 ConfigMap kitchen/pot']);
  }, 120_000);

  test('says which pools will drain before it asks, and prints it with --diff', async () => {
    const mirrors = (list: readonly string[]): ClusterObject => ({
      apiVersion: 'config.openshift.io/v1',
      kind: 'ImageDigestMirrorSet',
      metadata: { name: 'idms-release-0' },
      spec: { imageDigestMirrors: [{ source: 'quay.io/a', mirrors: list }] },
    });
    const { api, apply } = await bench([stage('mirror-sets', [mirrors(['new.example.com/a'])])]);
    api.put(mirrors(['old.example.com/a']), 'airlock');
    for (const name of ['worker', 'master'])
      api.put({
        apiVersion: 'machineconfiguration.openshift.io/v1',
        kind: 'MachineConfigPool',
        metadata: { name },
      });
    expect((await apply(['--diff'])).outcome?.text).toContain('nodes of master, worker will drain');
    const ending = await apply([], { answers: [false] });
    expect(ending.asked).toEqual(['Apply stage mirror-sets? Nodes will drain.']);
    expect(api.writes).toEqual([]);
  });

  test('says that the nodes of a hosted cluster are rolled, and nothing of them when they only become more', async () => {
    const pool = (release: string, replicas: number): ClusterObject => ({
      apiVersion: 'hypershift.openshift.io/v1beta1',
      kind: 'NodePool',
      metadata: { name: 'workers', namespace: 'clusters' },
      spec: { replicas, release: { image: release } },
    });
    const { api, apply } = await bench([stage('scale', [pool('r@sha256:b', 3)])]);
    api.put(pool('r@sha256:a', 3), 'airlock');
    expect((await apply(['--diff'])).outcome?.text).toContain('nodes of node pool workers will reboot');
    api.put(pool('r@sha256:b', 2), 'airlock');
    expect((await apply([], { answers: [true] })).asked).toEqual(['Apply stage scale?']);
  });

  test('puts the CA into the ConfigMap that the cluster names already', async () => {
    const image: ClusterObject = {
      apiVersion: 'config.openshift.io/v1',
      kind: 'Image',
      metadata: { name: 'cluster' },
      spec: { additionalTrustedCA: { name: 'registry-config' } },
    };
    const ours = configMap('registry-config', { 'r.example.com..5000': ca('A') }, 'openshift-config');
    const files = [
      { name: '1-config.yaml', mode: 'merge' as const, resources: [ours], why: 'trust' },
      { name: '2-image.yaml', mode: 'patch' as const, resources: [image], why: 'trust' },
    ];
    const { api, apply } = await bench([{ ...stage('registry-trust', []), files }]);
    const theirs = { 'corp.example.com': ca('B') };
    api.put(configMap('corporate-registries', theirs, 'openshift-config'), 'somebody');
    api.put({ ...image, spec: { additionalTrustedCA: { name: 'corporate-registries' } } }, 'somebody');
    expect((await apply(['-y'])).exitCode).toBe(0);
    expect(api.find('v1', 'ConfigMap', 'openshift-config', 'corporate-registries')?.['data']).toEqual({
      ...theirs,
      'r.example.com..5000': ca('A'),
    });
    expect(api.find('v1', 'ConfigMap', 'openshift-config', 'registry-config')).toBeUndefined();
    expect(api.find('config.openshift.io/v1', 'Image', undefined, 'cluster')?.['spec']).toEqual({
      additionalTrustedCA: { name: 'corporate-registries' },
    });
    const written = api.writes.length;
    expect((await apply()).exitCode).toBe(0);
    expect(api.writes).toHaveLength(written);
  });

  test('tells what it applied once and is no longer emitted, and deletes none of it', async () => {
    const { api, apply } = await bench();
    const old = (name: string, manager: string, operation: string): ClusterObject => {
      const object = configMap(name, {});
      return { ...object, metadata: { ...object.metadata, managedFields: [{ manager, operation }] } as never };
    };
    api.put(old('cauldron', 'airlock', 'Apply'));
    api.put(old('patched', 'airlock', 'Update'));
    api.put(old('theirs', 'argocd', 'Apply'));
    const ending = await apply(['-y']);
    expect(ending.outcome).toMatchObject({ result: { leftovers: ['ConfigMap kitchen/cauldron'] } });
    expect(ending.outcome?.text).toContain('still in the cluster');
    expect(api.find('v1', 'ConfigMap', 'kitchen', 'cauldron')).toBeDefined();
    expect((await apply(['--stage', 'pans'])).outcome).toMatchObject({ result: { leftovers: [] } });
  });

  test('ends with 2 for a folder without stages, a broken list of stages, and a kubeconfig that is none', async () => {
    const { cwd, apply } = await bench();
    expect(codeOf(await apply(['elsewhere']))).toBe('NOTHING_EMITTED');
    await mkdir(path.join(cwd, 'cut'));
    await writeFile(path.join(cwd, 'cut/stages.json'), '{"kind": "Manif');
    const cut = await apply(['cut']);
    expect([cut.exitCode, codeOf(cut)]).toEqual([2, 'NOTHING_EMITTED']);
    await writeFile(path.join(cwd, 'hub.kubeconfig'), 'clusters: [');
    const bad = await apply();
    expect([bad.exitCode, codeOf(bad)]).toEqual([2, 'KUBECONFIG_INVALID']);
    const none = await runCommand(['apply'], { cwd });
    expect([none.exitCode, codeOf(none)]).toEqual([2, 'USAGE']);
    expect((none.error as AirlockError).hint).toContain('--kubeconfig');
  });

  test('takes KUBECONFIG where nothing else names a cluster', async () => {
    const { cwd, api } = await bench();
    expect((await runCommand(['apply', '-y'], { cwd, env: { KUBECONFIG: 'hub.kubeconfig' } })).exitCode).toBe(0);
    expect(api.writes).toHaveLength(3);
  });

  test('ends with 3 and one JSON document when the cluster does not answer', async () => {
    const { cwd } = await bench();
    const nobody = { server: 'https://127.0.0.1:9', 'insecure-skip-tls-verify': true };
    const config = {
      clusters: [{ name: 'a', cluster: nobody }],
      users: [{ name: 'a', user: {} }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      'current-context': 'a',
    };
    await writeFile(path.join(cwd, 'hub.kubeconfig'), JSON.stringify(config));
    const ending = await airlock(['apply', '--kubeconfig', 'hub.kubeconfig', '-y', '-o', 'json'], { cwd });
    expect(ending.exitCode).toBe(3);
    expect(JSON.parse(ending.stdout)).toMatchObject({ error: { code: 'CLUSTER_UNREACHABLE' } });
  });

  test('prints one JSON document with every stage on standard output', async () => {
    const { cwd } = await bench();
    const ending = await airlock(['apply', '--kubeconfig', 'hub.kubeconfig', '-y', '-o', 'json'], { cwd });
    expect(ending.exitCode).toBe(0);
    expect(JSON.parse(ending.stdout)).toMatchObject({
      stages: [
        { stage: 'pots', state: 'applied' },
        { stage: 'pans', state: 'applied' },
      ],
    });
  });
});
