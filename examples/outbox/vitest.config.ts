import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { reporters: ['default', ['kafka-trial/reporter', { outputFile: 'reports/trials.json' }]] },
});
