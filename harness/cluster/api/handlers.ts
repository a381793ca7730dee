/** The table of the data plane's handlers: all APIs but those of coordinators. */
import type { AnyHandler } from '../handler.ts';
import { produce } from './00-produce.ts';
import { fetch } from './01-fetch.ts';
import { listOffsets } from './02-list-offsets.ts';
import { metadata } from './03-metadata.ts';
import { apiVersions } from './18-api-versions.ts';

export const dataPlaneHandlers: readonly AnyHandler[] = [produce, fetch, listOffsets, metadata, apiVersions];
