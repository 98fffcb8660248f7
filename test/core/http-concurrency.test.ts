import { describe, expect, test } from 'vitest';
import { createBandwidth } from '../../src/core/http-bandwidth.ts';
import { createAdaptiveLimit, createHostLimits } from '../../src/core/http-concurrency.ts';

describe('createAdaptiveLimit', () => {
  test('halves on overload, once per second, and grows back by successes', () => {
    let time = 0;
    const limit = createAdaptiveLimit(8, () => time);
    limit.overloaded();
    limit.overloaded();
    expect(limit.current()).toBe(4);
    time = 1000;
    limit.overloaded();
    time = 2000;
    limit.overloaded();
    time = 3000;
    limit.overloaded();
    expect(limit.current()).toBe(1);
    for (let n = 0; n < 100; n += 1) limit.succeeded();
    expect(limit.current()).toBe(8);
  });

  test('never runs more than allowed, and all tasks in the end', async () => {
    const limit = createAdaptiveLimit(6, () => 0);
    limit.overloaded();
    let active = 0;
    let most = 0;
    const task = async (): Promise<void> => {
      active += 1;
      most = Math.max(most, active);
      await new Promise((resolve) => setImmediate(resolve));
      active -= 1;
    };
    await Promise.all(Array.from({ length: 20 }, () => limit.run(task)));
    expect(most).toBe(3);
    expect(active).toBe(0);
  });

  test('a failed task frees its place', async () => {
    const limit = createAdaptiveLimit(1);
    await expect(limit.run(() => Promise.reject(new Error('burnt')))).rejects.toThrow('burnt');
    await expect(limit.run(() => Promise.resolve('served'))).resolves.toBe('served');
  });

  test('hosts do not slow each other down', () => {
    const limits = createHostLimits(4, () => 0);
    limits.for('a').overloaded();
    expect([limits.for('a').current(), limits.for('b').current()]).toEqual([2, 4]);
  });
});

describe('createBandwidth', () => {
  test('lets a burst through, then spreads the waits so that the rate holds', () => {
    let time = 0;
    const bandwidth = createBandwidth(1000, () => time);
    expect(bandwidth.spend(250)).toBe(0);
    expect(bandwidth.spend(500)).toBe(500);
    // A second stream waits behind the first.
    expect(bandwidth.spend(500)).toBe(1000);
    time = 1000;
    expect(bandwidth.spend(100)).toBe(100);
  });
});
