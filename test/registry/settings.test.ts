import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../src/core/yaml.ts';
import {
  engineSockets,
  localImageName,
  registryContainer,
  registryFolders,
  renderQuadlet,
  renderRegistryConfig,
  renderSystemdUnit,
} from '../../src/registry/index.ts';

const secret = 's'.repeat(32);
const spec = registryContainer({
  name: 'registry',
  image: 'docker.io/library/registry:3',
  folders: registryFolders('/opt/registry'),
  config: 'version: 0.1\n',
});

describe('registry configuration', () => {
  test('listens on every address of both families by default, on one when told', () => {
    const settings = { port: 5000, tls: true, htpasswd: true, secret };
    expect(parseYaml(renderRegistryConfig(settings))).toMatchObject({
      http: { addr: ':5000', tls: { certificate: '/certs/domain.crt', key: '/certs/domain.key' } },
      auth: { htpasswd: { path: '/auth/htpasswd' } },
      storage: { delete: { enabled: true }, filesystem: { rootdirectory: '/var/lib/registry' } },
    });
    expect(parseYaml(renderRegistryConfig({ ...settings, listenHost: '2001:db8::1' }))).toMatchObject({
      http: { addr: '[2001:db8::1]:5000' },
    });
  });

  test('says nothing of TLS and users where there are none', () => {
    const text = renderRegistryConfig({ port: 5000, tls: false, htpasswd: false, secret });
    expect(text).not.toMatch(/certs|auth/);
  });
});

describe('units', () => {
  test('Quadlet runs the image with the same settings and never pulls it', () => {
    expect(renderQuadlet(spec, 'Airlock registry')).toMatchInlineSnapshot(`
      "[Unit]
      Description=Airlock registry
      Wants=network-online.target
      After=network-online.target
      StartLimitIntervalSec=0

      [Container]
      Image=docker.io/library/registry:3
      ContainerName=registry
      Network=host
      Pull=never
      Volume=/opt/registry/data:/var/lib/registry:rw,Z
      Volume=/opt/registry/certs:/certs:ro,Z
      Volume=/opt/registry/auth:/auth:ro,Z
      Volume=/opt/registry/conf:/conf:ro,Z
      Environment=OTEL_TRACES_EXPORTER=none
      Label=airlock.service=registry
      Label=airlock.config=sha256:311c19eebe97a53d6398e9cf0047cdb92c3933a331800db3e56caaa575e851e6
      ReadOnly=true
      DropCapability=all
      AddCapability=DAC_OVERRIDE NET_BIND_SERVICE
      NoNewPrivileges=true
      Exec=serve /conf/config.yml

      [Service]
      Restart=always
      RestartSec=2
      SuccessExitStatus=2 143
      TimeoutStartSec=900

      [Install]
      WantedBy=multi-user.target default.target
      "
    `);
  });

  test('the plain unit runs podman in the foreground', () => {
    expect(renderSystemdUnit(spec, 'Airlock registry')).toMatchInlineSnapshot(`
      "[Unit]
      Description=Airlock registry
      Wants=network-online.target
      After=network-online.target
      StartLimitIntervalSec=0

      [Service]
      ExecStartPre=-/usr/bin/podman rm -f registry
      ExecStart=/usr/bin/podman run --rm --replace --pull=never --network=host --read-only \\
        --name=registry \\
        --cap-drop=all --cap-add=DAC_OVERRIDE,NET_BIND_SERVICE --security-opt=no-new-privileges \\
        --volume=/opt/registry/data:/var/lib/registry:rw,Z \\
        --volume=/opt/registry/certs:/certs:ro,Z \\
        --volume=/opt/registry/auth:/auth:ro,Z \\
        --volume=/opt/registry/conf:/conf:ro,Z \\
        --env=OTEL_TRACES_EXPORTER=none \\
        --label=airlock.service=registry \\
        --label=airlock.config=sha256:311c19eebe97a53d6398e9cf0047cdb92c3933a331800db3e56caaa575e851e6 \\
        docker.io/library/registry:3 serve /conf/config.yml
      ExecStop=/usr/bin/podman stop -t 10 registry
      ExecStopPost=-/usr/bin/podman rm -f registry
      Restart=always
      RestartSec=2
      SuccessExitStatus=2 143
      TimeoutStartSec=900

      [Install]
      WantedBy=multi-user.target default.target
      "
    `);
  });

  test('words with blanks and signs of systemd stay whole', () => {
    const odd = { ...spec, labels: { state: '/my $HOME "%n"' } };
    expect(renderQuadlet(odd, 'x')).toContain('\nLabel="state=/my $HOME \\"%%n\\""\n');
    expect(renderSystemdUnit(odd, 'x')).toContain('"--label=state=/my $$HOME \\"%%n\\""');
  });

  test('the upload secret is in neither', () => {
    for (const unit of [renderQuadlet(spec, 'x'), renderSystemdUnit(spec, 'x')]) expect(unit).not.toMatch(/SECRET/i);
  });
});

describe('the name of a loaded image', () => {
  const hex = 'ab12cd34ef56'.padEnd(64, '0');
  test.each([
    ['docker.io/library/registry:3', 'docker.io/library/registry:3'],
    ['docker.io/library/registry', 'docker.io/library/registry:latest'],
    [`docker.io/library/registry:3@sha256:${hex}`, 'docker.io/library/registry:3-ab12cd34ef56'],
    [`docker.io/library/registry@sha256:${hex}`, 'docker.io/library/registry:pinned-ab12cd34ef56'],
  ])('%s', (image, name) => {
    expect(localImageName(image)).toBe(name);
  });
});

describe('engine sockets', () => {
  test.each([
    [{ userId: 0 }, ['/run/podman/podman.sock']],
    [{ userId: 1000 }, ['/run/user/1000/podman/podman.sock']],
    [{ userId: 1000, runtimeFolder: '/tmp/run' }, ['/tmp/run/podman/podman.sock']],
    [{ userId: 0, dockerHost: 'unix:///a.sock', containerHost: 'unix:///b.sock' }, ['/b.sock']],
    [{ userId: 0, dockerHost: 'unix:///a.sock' }, ['/a.sock']],
    [{ userId: 0, containerHost: 'ssh://core@host/run/podman.sock' }, []],
  ])('%j', (search, sockets) => {
    expect(engineSockets(search)).toEqual(sockets);
  });
});
