/**
 * The file of what Java answered to a few of the generated questions (written by `assignors.java.test.ts`): questions
 * and answers enter and text leaves, or the text and they leave again.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { GroupAnswer, GroupQuestion } from './java-assignors.ts';

export const answersFile = fileURLToPath(new URL('kafka-4.3.1-assignments.jsonl', import.meta.url));

export interface AnsweredQuestion {
  readonly question: GroupQuestion;
  readonly answer: GroupAnswer;
}

const toJson = (key: string, value: unknown): unknown =>
  key === 'userData' && value !== null ? Buffer.from(value as Uint8Array).toString('hex') : value;

const fromJson = (key: string, value: unknown): unknown =>
  key === 'userData' && value !== null ? Buffer.from(value as string, 'hex') : value;

export const answersText = (answered: readonly AnsweredQuestion[]): string =>
  answered.map((one) => `${JSON.stringify(one, toJson)}\n`).join('');

export const readAnswers = (): AnsweredQuestion[] =>
  readFileSync(answersFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line, fromJson) as AnsweredQuestion);
