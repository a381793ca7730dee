/**
 * The seed of every property test: the same each time, so that the tests of one commit always say the same;
 * KAFKA_TRIAL_TEST_SEED, a whole number, enters and lets them look elsewhere.
 */
import fc from 'fast-check';

const seed = Number(process.env.KAFKA_TRIAL_TEST_SEED ?? 20_261_128);
if (!Number.isInteger(seed)) throw new Error('KAFKA_TRIAL_TEST_SEED is not a whole number');
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
