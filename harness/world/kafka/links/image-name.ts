/** The name of Toxiproxy's image: the environment enters, an image name and what to do where it is missing leave. */

/** Of 2022, and the newest that Debian's own Go builds; the toxics used here have not changed since. */
export const DEFAULT_TOXIPROXY_VERSION = '2.5.0';

/** `KAFKA_TRIAL_TOXIPROXY_IMAGE`, or Shopify's own image in the default version. */
export const defaultToxiproxyImage = (): string =>
  process.env.KAFKA_TRIAL_TOXIPROXY_IMAGE || `ghcr.io/shopify/toxiproxy:${DEFAULT_TOXIPROXY_VERSION}`;

export function toxiproxyHint(image: string): string {
  return process.env.KAFKA_TRIAL_TOXIPROXY_IMAGE
    ? `Run \`docker pull ${image}\`, or unset KAFKA_TRIAL_TOXIPROXY_IMAGE and run \`npm run toxiproxy:image\` to build the default one.`
    : `Run \`npm run toxiproxy:image\` to build it here, or \`docker pull ${image}\` where a registry can be reached.`;
}
