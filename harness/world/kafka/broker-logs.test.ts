/** A broker's log: frames as Docker sends them enter, text and version are checked. */
import { expect, test } from 'vitest';
import { demultiplex, kafkaVersionIn, withoutStackFrames } from './broker-logs.ts';

const frame = (stream: number, text: string): Buffer => {
  const body = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(body.length, 4);
  return Buffer.concat([header, body]);
};

test('both streams are read, in order', () => {
  expect(demultiplex(Buffer.concat([frame(1, 'one\n'), frame(2, 'zwölf\n'), frame(1, 'three\n')]))).toBe(
    'one\nzwölf\nthree\n',
  );
  expect(demultiplex(Buffer.alloc(0))).toBe('');
});

test('the version is what the broker says', () => {
  const line =
    '[2026-11-22 16:08:55,314] INFO Kafka version: 4.3.1 (org.apache.kafka.common.utils.AppInfoParser)';
  expect(kafkaVersionIn(`starting\n${line}\nready\n`)).toBe('4.3.1');
  expect(kafkaVersionIn('nothing of the kind')).toBe('unknown');
});

test('of a stack trace the causes are kept', () => {
  const log =
    'one\ntwo\nException: bad\n\tat a.B.c(D.java:1)\nCaused by: worse\n\tat e.F.g(H.java:2)\n\t... 3 more\n';
  expect(withoutStackFrames(log, 3)).toBe('two\nException: bad\nCaused by: worse');
});
