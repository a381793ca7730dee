/**
 * Puts an application of the user's on the stand: its file and what the user says of it enter; it is bundled and asked
 * what it does, and a subject for every world leaves.
 */
import type { BuiltApplication } from '../world/world.ts';
import { type ApplicationSource, bundleApplication } from './build.ts';
import { probeApplication } from './probe.ts';
import { type ApplicationClaims, shapeOf } from './shape.ts';

export interface ApplicationOptions extends ApplicationSource, ApplicationClaims {
  /** What it finds as its group id, where it does not have one of its own. */
  readonly groupId?: string;
}

export interface OpenedApplication extends AsyncDisposable {
  readonly application: BuiltApplication;
}

const DEFAULT_GROUP = 'application';
const DEFAULT_TOPIC = 'events';

/** @throws UsageError where it cannot be bundled, does not start, or is nothing that can be put on trial */
export async function openApplication(options: ApplicationOptions): Promise<OpenedApplication> {
  const bundle = await bundleApplication(options);
  try {
    const built = { file: options.file, bundle: bundle.path, clientVersion: bundle.clientVersion };
    const configuration = await probeApplication({
      application: built,
      groupId: options.groupId ?? DEFAULT_GROUP,
      topics: options.topics ?? [DEFAULT_TOPIC],
    });
    return {
      application: { ...built, shape: shapeOf(options.file, configuration, options) },
      [Symbol.asyncDispose]: async () => await bundle[Symbol.asyncDispose](),
    };
  } catch (error) {
    await bundle[Symbol.asyncDispose]();
    throw error;
  }
}
