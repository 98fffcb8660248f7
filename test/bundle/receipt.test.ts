import { expect, test } from 'vitest';
import { createReceipt, renderReceiptHtml, renderReceiptMarkdown, verifyBundle } from '../../src/bundle/index.ts';
import { quietRun } from '../../src/core/run.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { buildSample, openOne } from './build-sample.ts';
import { makeSample } from './sample.ts';

test('a receipt names every image and file, fetches nothing, and lets no text of the bundle become markup', async () => {
  const folder = await temporaryFolder();
  const sample = makeSample();
  const [first, ...others] = sample.plan.images;
  if (!first) throw new Error('the sample has images');
  const plan = { ...sample.plan, images: [{ ...first, origin: 'registry.example.com/<script>|x' }, ...others] };
  await buildSample({ ...sample, plan }, folder);
  const bundle = await openOne(folder);
  const report = await verifyBundle(bundle, {}, quietRun());
  const receipt = createReceipt(bundle, report, { verifiedBy: 'root@bastion', verifiedAt: new Date(0) });
  const html = renderReceiptHtml(receipt);
  const markdown = renderReceiptMarkdown(receipt);
  for (const image of plan.images) {
    expect(html).toContain(image.digest);
    expect(markdown).toContain(image.digest);
    // The name that people know: of a release component the origin says no more than its digest.
    for (const { repository, tag } of image.targets)
      for (const page of [html, markdown]) expect(page).toContain(`${repository}:${tag}`);
  }
  expect(html).toContain('&lt;script&gt;');
  expect(html).not.toMatch(/<script|https?:\/\/(?!registry\.example)|url\(/);
  expect(markdown).toContain('\\<script\\>\\|x');
  expect(html).toContain('<svg');
  const note = { code: 'NOTE', severity: 'info', subject: 'kitchen', message: 'a note' } as const;
  const fault = { ...note, code: 'FAULT', severity: 'error' } as const;
  const bad = { ...receipt, report: { ...report, findings: [note, fault] } };
  for (const page of [renderReceiptHtml(bad), renderReceiptMarkdown(bad)])
    expect(page.indexOf('FAULT')).toBeLessThan(page.indexOf('NOTE'));
  expect(receipt.space.map(({ name }) => name)).toContain('configuration and plan');
  expect(receipt.space.reduce((sum, one) => sum + one.bytes, 0)).toBeGreaterThan(3_000_000);
});
