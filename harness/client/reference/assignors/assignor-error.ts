/** Where Java's algorithm breaks off: the exception's class and a reason enter, an error leaves. */
export class AssignorError extends Error {
  override name = 'AssignorError';
  /** What the Java consumer's poll() throws in this place. */
  readonly javaException: 'IllegalStateException' | 'NullPointerException';

  constructor(javaException: AssignorError['javaException'], message: string) {
    super(message);
    this.javaException = javaException;
  }
}
