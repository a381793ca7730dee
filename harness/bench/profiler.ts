/** Takes a CPU profile of this thread: work enters, V8's profile of it leaves. */
import { type Profiler, Session } from 'node:inspector';

const SAMPLING_INTERVAL_US = 500;

/** @throws what the work throws; the profiler is stopped by then */
export async function profiled(work: () => Promise<void>): Promise<Profiler.Profile> {
  const session = new Session();
  session.connect();
  // With a session in the same thread answers come before `post` returns.
  const post = <Result>(method: string, parameters: object = {}): Result => {
    let result: { value: Result } | undefined;
    session.post(method, parameters, (error: Error | null, value?: object) => {
      if (error !== null) throw error;
      result = { value: value as Result };
    });
    if (result === undefined) throw new Error(`the inspector has not answered ${method}`);
    return result.value;
  };
  try {
    post('Profiler.enable');
    post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US });
    post('Profiler.start');
    await work();
    return post<Profiler.StopReturnType>('Profiler.stop').profile;
  } finally {
    session.disconnect();
  }
}
