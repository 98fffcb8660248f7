import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeReal } from '../helpers/real.ts';
import { type ChromiumPage, startChromium } from './chromium.ts';
import { isoFile, start } from './serving.ts';
import { fullModel } from './status-model.ts';

// AIRLOCK_SCREENSHOTS names a folder where the pictures are kept for a person to look at.
const keep = process.env['AIRLOCK_SCREENSHOTS'];

describeReal('the status page in a browser', ['chromium'], () => {
  let page: ChromiumPage;
  beforeAll(async () => {
    page = await startChromium();
  });
  afterAll(() => page.close());

  test.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)(
    'is readable in %s at %i pixels, without scrolling sideways and without any other request',
    async (scheme, width) => {
      const requests: string[] = [];
      const { url } = await start({
        statusPage: () => Promise.resolve(fullModel),
        files: [await isoFile(Buffer.from('iso'))],
        texts: [{ path: '/ca.crt', content: 'pem' }],
        accessLog: (entry) => requests.push(entry.target),
      });
      await page.send('Emulation.setDeviceMetricsOverride', {
        width,
        height: 800,
        deviceScaleFactor: 1,
        mobile: width < 500,
      });
      await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
      await page.send('Emulation.setScriptExecutionDisabled', { value: true });
      await page.open(`${url}/`);
      await page.send('Emulation.setScriptExecutionDisabled', { value: false });

      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      const contrasts = (await page.evaluate(contrastScript)) as { text: string; ratio: number }[];
      expect(contrasts.length).toBeGreaterThan(40);
      // WCAG 2.2 §1.4.3, level AA.
      expect(contrasts.filter(({ ratio }) => ratio < 4.5)).toEqual([]);
      const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      expect(background).toBe(scheme === 'dark' ? 'rgb(13, 17, 23)' : 'rgb(246, 247, 249)');

      const { data } = await page.send('Page.captureScreenshot', { captureBeyondViewport: true });
      const picture = Buffer.from(String(data), 'base64');
      // Width in the header of a PNG: the page was drawn as wide as the window, and is not blank.
      expect([picture.readUInt32BE(16), picture.length > 20_000]).toEqual([width, true]);
      if (keep) {
        await mkdir(keep, { recursive: true });
        await writeFile(path.join(keep, `status-${scheme}-${width}.png`), picture);
      }
      expect(requests).toEqual(['/']);
      expect(page.problems).toEqual([]);
    },
  );

  test('leads to a folder page that is readable on a phone', async () => {
    const { url } = await start({ files: [await isoFile(Buffer.from('iso'))] });
    await page.send('Emulation.setDeviceMetricsOverride', {
      width: 360,
      height: 800,
      deviceScaleFactor: 1,
      mobile: true,
    });
    await page.open(`${url}/rhcos/9.6.20250701-0/x86_64/`);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await page.evaluate('[...document.querySelectorAll("a")].map((a) => a.textContent).join()')).toBe(
      'Kitchen,../,kitchen-live.x86_64.iso,sha256sum.txt',
    );
    expect(page.problems).toEqual([]);
  });
});

// The contrast of every piece of text with what lies behind it.
const contrastScript = `(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => { for (let at = element; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c[3] !== 0) return c; } return [255, 255, 255]; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.getClientRects().length) continue;
    const [a, b] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))].sort((x, y) => y - x);
    found.push({ text: walker.currentNode.textContent.trim().slice(0, 40), ratio: (a + 0.05) / (b + 0.05) });
  }
  return found;
})()`;
