/** How much of what the clients of a run wrote is kept: enough to find a cause, and never all of the disk. */
export const LOG_BYTES_MAX = 16 * 1_048_576;
