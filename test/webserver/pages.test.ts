import { describe, expect, test } from 'vitest';
import { renderFolderPage } from '../../src/webserver/folder-page.ts';
import { html } from '../../src/webserver/html.ts';
import { renderStatusPage } from '../../src/webserver/index.ts';
import { fullModel } from './status-model.ts';

const evil = `"><script>alert(1)</script><img src=x onerror='x'>&`;

describe('html', () => {
  test('escapes every value unless it is markup', () => {
    expect(html`<a title="${evil}">${[evil, html`<b>${1}</b>`, undefined]}</a>`.markup).toBe(
      '<a title="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#39;x&#39;&gt;&amp;">&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#39;x&#39;&gt;&amp;<b>1</b></a>',
    );
  });
});

describe('renderStatusPage', () => {
  test('shows what a person at the site wants to know', () => {
    const page = renderStatusPage(fullModel);
    for (const text of [
      'no answer over IPv6',
      'Generation <strong>7</strong>',
      '4.19.10',
      'metallb-operator',
      'c0c0c0',
      '12 days left',
      'run out',
      'DNS_NO_ANSWER',
      'open port 53',
      'podman login',
      'href="/ca.crt" download',
      'E5:E5',
      '810 GiB of 838 GiB',
      'something needs repair',
    ])
      expect(page).toContain(text);
  });

  test('says at its top what is wrong, the worst first, with links, and not more than five of it', () => {
    const page = renderStatusPage(fullModel);
    const top = page.slice(0, page.indexOf('<section'));
    const items = [...top.matchAll(/<li[^>]*>(.*?)<\/li>/g)].map(([, item = '']) => item.replaceAll(/<[^>]*>/g, ''));
    expect(items.at(0)).toBe('Services: DNS at 192.0.2.1:53, [2001:db8:10::1]:53: no answer over IPv6');
    expect(items.slice(-2)).toEqual(['Certificates: Server: 12 days left', 'and 1 more below']);
    expect(items).toHaveLength(6);
    for (const [, name] of top.matchAll(/href="#([^"]*)"/g)) expect(page).toContain(`<section id="${name}">`);
  });

  test('needs no script and loads nothing', () => {
    const page = renderStatusPage(fullModel);
    expect(page).not.toMatch(/<script|<link(?! rel="icon" href="data:,")|\ssrc=|@import|url\(|\son\w+=|style="/);
  });

  test('escapes whatever a model holds', () => {
    const poisoned = JSON.parse(JSON.stringify(fullModel), (key, value) => {
      if (/At$|^at$|since|notAfter/.test(key)) return new Date(value);
      return typeof value === 'string' && !['level', 'path', 'caPath'].includes(key) ? evil : value;
    });
    const page = renderStatusPage(poisoned);
    expect(page).not.toMatch(/<script|<img/);
    expect(page).toContain('&lt;script&gt;');
  });

  test('leaves out what is not known and does not claim that all is well', () => {
    const page = renderStatusPage({ title: 'Kitchen', at: fullModel.at });
    expect(page).not.toContain('<section');
    expect(page).toContain('not everything could be looked at');
    expect(
      renderStatusPage({
        title: 'Kitchen',
        at: fullModel.at,
        check: { at: fullModel.at, findings: [] },
        services: fullModel.services?.slice(0, 1) ?? [],
      }),
    ).toContain('all is well');
  });
});

describe('renderFolderPage', () => {
  test('links names so that the browser stays in the folder', () => {
    const file = { path: '/a/javascript:x?.iso', file: '', sizeBytes: 5, sha256: 'ab' };
    const page = renderFolderPage(
      'Kitchen',
      '/a/',
      [
        { name: 'javascript:x?.iso', sizeBytes: 5, file },
        { name: '<b>/', sizeBytes: 1, file: undefined },
      ],
      () => ({ kind: 'unknown' }),
    );
    expect(page).toContain('href="./javascript%3Ax%3F.iso"');
    expect(page).toContain('href="./%3Cb%3E/"');
    expect(page).toContain('href="../"');
  });
});
