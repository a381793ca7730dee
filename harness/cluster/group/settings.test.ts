import { expect, it } from 'vitest';
import { DEFAULT_GROUP_SETTINGS, groupSettings } from './settings.ts';

it("takes Kafka's settings by Kafka's names, and its defaults for the rest", () => {
  const given = {
    'group.initial.rebalance.delay.ms': '0',
    'offsets.retention.minutes': '2',
    'log.retention.ms': '5',
  };
  expect(groupSettings(given, 7)).toEqual({
    ...DEFAULT_GROUP_SETTINGS,
    initialRebalanceDelayMs: 0,
    offsetsRetentionMs: 120_000,
    loadingTimeMs: 7,
  });
});
