import { describe, expect, test } from 'vitest';
import { chartReason, isSameRepository, parseChartReason } from '../../../src/mirror/helm/reason.ts';

describe('chartReason', () => {
  test('names chart and repository, without credentials, and is read back', () => {
    const chart = { name: 'crane', version: '1.0.0' };
    const reason = chartReason(chart, 'https://user:secret@charts.example.com/stable/');
    expect(reason).toBe('chart crane 1.0.0 from https://charts.example.com/stable');
    expect(parseChartReason(reason)).toEqual({ ...chart, repository: 'https://charts.example.com/stable' });
    expect(parseChartReason(chartReason(chart))).toEqual({ ...chart, repository: undefined });
    for (const other of ['additional image', 'chart crane', '']) expect(parseChartReason(other)).toBeUndefined();
  });

  test.each([
    ['https://charts.example.com', 'http://charts.example.com/', true],
    ['https://charts.example.com/stable', 'https://charts.example.com/stable/index.yaml', true],
    ['https://charts.example.com/stable', 'https://charts.example.com/stable2', false],
    ['https://charts.example.com/stable', 'https://charts.example.com:8443/stable', false],
    ['no url', 'no url', true],
  ])('knows whether %s and %s are one repository', (one, other, same) => {
    expect(isSameRepository(one, other)).toBe(same);
  });
});
